import type { ServerResponse } from "node:http";
import type { Fault } from "./faults.js";
import type { PageTwist } from "./paging.js";
import type { SquareErrorJson } from "./refusal.js";

const JSON_TYPE = "application/json; charset=utf-8";
const MAINTENANCE =
  "<!DOCTYPE html><html><head><title>Square</title></head><body>We'll be right back.</body></html>";
/** Milliseconds between two bytes of a body that never ends. */
const TRICKLE = 25;

export interface Reply {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The reply that a list of errors makes. */
export function errorReply(status: number, error: SquareErrorJson, headers?: Reply["headers"]): Reply {
  return { status, body: { errors: [error] }, ...(headers && { headers }) };
}

/** What goes wrong with the page itself; all other faults are about how it is sent. */
export function twistOf(fault: Fault | undefined): PageTwist | undefined {
  switch (fault?.kind) {
    case "repeated-rows":
    case "same-cursor":
    case "ever-new-cursors":
      return fault.kind;
    default:
      return undefined;
  }
}

/** The reply that a fault puts in place of the right one, which is then not even computed. */
export function replacement(fault: Fault | undefined, now: number): Reply | undefined {
  if (fault?.kind === "status") return errorReply(fault.status, errorOf(fault.status));
  if (fault?.kind !== "rate-limited") return undefined;
  return rateLimited(
    fault.as === "date" ? new Date(now + fault.seconds * 1000).toUTCString() : String(fault.seconds),
  );
}

/** @param retryAfter seconds, or a date as HTTP writes it */
export function rateLimited(retryAfter: string): Reply {
  const detail = "You have made too many requests in a short period of time.";
  const error = { category: "RATE_LIMIT_ERROR", code: "RATE_LIMITED", detail };
  return errorReply(429, error, { "retry-after": retryAfter });
}

function errorOf(status: number): SquareErrorJson {
  const detail = "Ordered by a test.";
  if (status === 401) return { category: "AUTHENTICATION_ERROR", code: "UNAUTHORIZED", detail };
  if (status === 403) return { category: "AUTHENTICATION_ERROR", code: "FORBIDDEN", detail };
  if (status === 429) return { category: "RATE_LIMIT_ERROR", code: "RATE_LIMITED", detail };
  if (status === 502) return { category: "API_ERROR", code: "BAD_GATEWAY", detail };
  if (status === 503) return { category: "API_ERROR", code: "SERVICE_UNAVAILABLE", detail };
  if (status >= 500) return { category: "API_ERROR", code: "INTERNAL_SERVER_ERROR", detail };
  return { category: "INVALID_REQUEST_ERROR", code: "BAD_REQUEST", detail };
}

/**
 * Sends a reply, the way a fault has it.
 * @param key what the endpoint's object or list stands under
 * @returns the status that was sent; NULL when none was
 */
export function send(
  response: ServerResponse,
  reply: Reply,
  fault: Fault | undefined,
  key: string,
): number | null {
  const text = JSON.stringify(reply.body);
  switch (fault?.kind) {
    case "no-answer":
      return null;
    case "reset":
      response.socket?.resetAndDestroy();
      return null;
    case "reset-in-body":
      resetInBody(response, text);
      return 200;
    case "html":
      return sendText(response, 200, MAINTENANCE, { "content-type": "text/html; charset=utf-8" });
    case "empty-errors":
      return sendText(response, 200, '{"errors": []}');
    case "errors-with-200":
      return sendText(response, 200, JSON.stringify({ errors: [errorOf(500)] }));
    case "truncated":
      return sendText(response, 200, text.slice(0, Math.ceil(text.length / 2)));
    case "empty-body":
      return sendText(response, 200, "");
    case "wrong-shape":
      return sendText(response, 200, JSON.stringify({ [key]: "oops" }));
    case "endless-body":
      trickle(response, key);
      return 200;
    default:
      return sendText(response, reply.status, text, reply.headers);
  }
}

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Reply["headers"] = {},
): number {
  response.writeHead(status, {
    "content-type": JSON_TYPE,
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
  return status;
}

function resetInBody(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": JSON_TYPE, "content-length": Buffer.byteLength(text) });
  response.write(text.slice(0, Math.ceil(text.length / 2)), () => response.socket?.resetAndDestroy());
}

function trickle(response: ServerResponse, key: string): void {
  response.writeHead(200, { "content-type": JSON_TYPE });
  response.write(`{"${key}":[`);
  const timer = setInterval(() => response.write(" "), TRICKLE);
  response.on("close", () => clearInterval(timer));
}
