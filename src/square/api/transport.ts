import { readJson, UnreadableJson } from "../read-json.js";
import type { JsonObject, JsonValue } from "../types.js";
import { complainsAboutCursor, errorCodes, InvalidAnswer, isObject, readAnswer } from "./answer.js";
import { SquareApiError, type SquareApiErrorCode } from "./api-error.js";
import type { Limiter, Timing } from "./limiter.js";
import { attemptsFor, readRetryAfter, waitBeforeRetry } from "./retry.js";
import type { SquareRequest } from "./sdk.js";

/** A failed attempt that will be repeated. */
export interface Retry {
  /** Method and path, such as `GET /v2/bookings`. */
  readonly request: string;
  /** The number of the failed attempt, from 1. */
  readonly attempt: number;
  readonly code: SquareApiErrorCode;
  readonly waitMs: number;
}

export interface TransportOptions extends Timing {
  readonly limiter: Limiter;
  readonly requestsPerSecond: number;
  /** The time for one attempt, from connecting to the body's last byte. */
  readonly timeoutMs: number;
  /**
   * How often a request may fail with the same code, including the first attempt. Some codes allow fewer (retry.ts).
   */
  readonly attempts: number;
  /** The largest accepted body, uncompressed. */
  readonly maxBodyBytes: number;
  readonly random: () => number;
  readonly onRetry: (retry: Retry) => void;
  /** After an abort every request fails at once with `square_interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request within the merchant's rate, and repeats it after failures that may pass.
 *
 * @param read reads the body of a 200, or throws InvalidAnswer
 * @throws SquareApiError of the last attempt
 */
export async function send<T>(
  request: SquareRequest,
  read: (body: JsonObject) => T,
  options: TransportOptions,
): Promise<T> {
  // Each code is counted separately: two 429 and one invalid answer are not three invalid answers.
  const failures = new Map<SquareApiErrorCode, number>();
  for (let attempt = 1; ; attempt++) {
    const waiting = { ...options, wait: (ms: number) => unlessStopped(request, options.wait(ms), options) };
    await options.limiter.turn(1000 / options.requestsPerSecond, waiting);
    try {
      return await exchange(request, read, attempt, options);
    } catch (error) {
      if (!(error instanceof SquareApiError)) throw error;
      const failed = (failures.get(error.code) ?? 0) + 1;
      failures.set(error.code, failed);
      if (failed >= attemptsFor(error.code, options.attempts)) throw error;
      const waitMs = waitBeforeRetry(attempt, error.retryAfterMs, options.random);
      if (error.code === "square_rate_limited") options.limiter.hold(waitMs, options);
      options.onRetry({ request: nameOf(request), attempt, code: error.code, waitMs });
      await waiting.wait(waitMs);
    }
  }
}

/** Waits until `waited` resolves or the signal aborts. @throws SquareApiError `square_interrupted` after an abort */
async function unlessStopped(
  request: SquareRequest,
  waited: Promise<void>,
  { signal }: TransportOptions,
): Promise<void> {
  if (!signal) return waited;
  const stopped = new AbortController();
  const over = { signal: stopped.signal };
  try {
    await Promise.race([
      waited,
      new Promise<never>((_, reject) => {
        const stop = () => reject(interrupted(nameOf(request)));
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop, over);
      }),
    ]);
  } finally {
    stopped.abort();
  }
}

function interrupted(name: string): SquareApiError {
  return new SquareApiError("square_interrupted", `${name}: stopped before the answer came`);
}

/** One attempt. */
async function exchange<T>(
  request: SquareRequest,
  read: (body: JsonObject) => T,
  attempt: number,
  options: TransportOptions,
): Promise<T> {
  const name = `${nameOf(request)}, attempt ${attempt}`;
  const { status, headers, bytes } = await receive(request, name, options);
  if (status !== 200) throw refusal(name, status, headers, bytes, options);
  try {
    return read(readAnswer(headers.get("content-type"), bytes));
  } catch (error) {
    if (!(error instanceof InvalidAnswer) && !(error instanceof UnreadableJson)) throw error;
    const what = error instanceof InvalidAnswer ? error.message : `is unreadable: ${error.code}`;
    throw new SquareApiError("square_invalid_response", `${name}: the answer ${what}`, {
      status,
      cause: error,
    });
  }
}

interface Received {
  readonly status: number;
  readonly headers: Headers;
  /** Empty when the body of a status other than 200 could not be read. */
  readonly bytes: Buffer;
}

async function receive(request: SquareRequest, name: string, options: TransportOptions): Promise<Received> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs);
  let status: number | undefined;
  try {
    const { method, headers, body } = request;
    // Following a redirect would send the token to another address.
    const response = await fetch(request.url, {
      method,
      headers,
      body: body ?? null,
      redirect: "manual",
      signal: options.signal ? AbortSignal.any([abort.signal, options.signal]) : abort.signal,
    });
    status = response.status;
    const bytes = await readBody(response, options.maxBodyBytes).catch((error: unknown) => {
      if (status === 200) throw error;
      return Buffer.alloc(0);
    });
    return { status, headers: response.headers, bytes };
  } catch (error) {
    if (error instanceof InvalidAnswer) {
      throw new SquareApiError("square_invalid_response", `${name}: the answer ${error.message}`, {
        status: 200,
      });
    }
    if (options.signal?.aborted) throw interrupted(name);
    // The cause is left out, because it may quote what was sent.
    const [code, what] = abort.signal.aborted
      ? (["square_timed_out", `no answer within ${options.timeoutMs} ms`] as const)
      : (["square_unavailable", `the connection failed${reasonOf(error)}`] as const);
    throw new SquareApiError(code, `${name}: ${what}`, status === undefined ? {} : { status });
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new InvalidAnswer(`is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function refusal(
  name: string,
  status: number,
  headers: Headers,
  bytes: Buffer,
  { now }: TransportOptions,
): SquareApiError {
  const errors = readErrors(bytes);
  const squareCodes = errorCodes(errors);
  const retryAfterMs = readRetryAfter(headers, now);
  return new SquareApiError(
    codeOf(status, errors),
    [`${name}: HTTP ${status}`, ...new Set(squareCodes)].join(" "),
    { status, squareCodes, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  );
}

/** The `errors` of a refusal. Undefined when the body is not Square's. */
function readErrors(bytes: Buffer): JsonValue | undefined {
  try {
    const body = readJson(bytes);
    if (!isObject(body)) return undefined;
    // OAuth has errors of its own (RFC 6749, section 5.2), such as invalid_grant.
    return body.errors ?? (typeof body.error === "string" ? [{ code: body.error.toUpperCase() }] : undefined);
  } catch (error) {
    if (error instanceof UnreadableJson) return undefined;
    throw error;
  }
}

function codeOf(status: number, errors: JsonValue | undefined): SquareApiErrorCode {
  if (status === 401) return "square_unauthorized";
  if (status === 403) return "square_forbidden";
  if (status === 404) return "square_not_found";
  if (status === 408 || status >= 500) return "square_unavailable";
  if (status === 429) return "square_rate_limited";
  if (status === 400 && complainsAboutCursor(errors)) return "square_invalid_cursor";
  if (status >= 400) return "square_bad_request";
  return "square_invalid_response";
}

/** Method and path. The query is left out, because a cursor may hold anything. */
function nameOf({ method, url }: SquareRequest): string {
  return `${method} ${new URL(url).pathname}`;
}

/** The error code of the system or of undici, such as ECONNRESET. */
function reasonOf(error: unknown): string {
  const code = (error as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  return typeof code === "string" ? ` (${code})` : "";
}
