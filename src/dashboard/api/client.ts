/** What the server answered instead of what was asked for. */
export class ApiError extends Error {
  readonly status: number;
  /** The problem's stable code; `unreachable` when there was no answer. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** Asks the server; the session's cookie goes along by itself. @throws {ApiError} */
export async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { accept: "application/json", ...init.headers };
  const response = await fetch(path, { ...init, headers }).catch(() => {
    throw new ApiError(0, "unreachable", "The server does not answer.");
  });
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

/** Sends JSON. @throws {ApiError} */
export function send<Answer>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown) {
  if (body === undefined) return ask<Answer>(path, { method });
  return ask<Answer>(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

export const signIn = (key: string) => send<void>("POST", "/api/session", { key });
export const signOut = () => send<void>("DELETE", "/api/session");

/** A path with its query; what is undefined or empty is left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** The address of a list as CSV. */
export const asCsv = (url: string) => url.replace(/(?=\?|$)/, ".csv");

async function problemOf(response: Response): Promise<ApiError> {
  const problem = await response.json().catch(() => ({}));
  const { code = "http_error", detail = `The server answered ${response.status}.` } = problem;
  return new ApiError(response.status, code, detail);
}
