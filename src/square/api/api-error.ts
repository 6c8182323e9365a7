import { RegularsError } from "../../errors.js";

export type SquareApiErrorCode =
  /** 401: the token is wrong, expired or revoked. */
  | "square_unauthorized"
  /** 403: the token lacks a scope, or this API is not for its kind. */
  | "square_forbidden"
  | "square_not_found"
  /** Any other 4xx. */
  | "square_bad_request"
  /** 400 with INVALID_CURSOR: the page is to be read again from the window's begin. */
  | "square_invalid_cursor"
  /** 429 after all attempts. */
  | "square_rate_limited"
  /** 5xx or a broken connection, after all attempts. */
  | "square_unavailable"
  /** No answer in time, after all attempts. */
  | "square_timed_out"
  /** 200 that is no answer: HTML, cut off, `errors`, a list that is no list. */
  | "square_invalid_response"
  /** Nobody waits for the answer any more: the process is stopping, or the time is over. */
  | "square_interrupted"
  /** A cursor that came again, or more pages than any list has. */
  | "square_endless_paging";

/** Square did not answer, or not what was asked for. The message names the request's path, never a token or a value. */
export class SquareApiError extends RegularsError {
  declare readonly code: SquareApiErrorCode;
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;
  /** Square's own codes for what is wrong, such as NOT_FOUND or INSUFFICIENT_SCOPES. Empty where it gave none. */
  readonly squareCodes: readonly string[];
  /** How long Square asked to wait (Retry-After), where it did. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: SquareApiErrorCode,
    message: string,
    options: {
      status?: number;
      squareCodes?: readonly string[];
      retryAfterMs?: number;
      cause?: unknown;
    } = {},
  ) {
    super(code, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.squareCodes = options.squareCodes ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}
