import { RegularsError } from "../../errors.js";

export type SquareApiErrorCode =
  /** 401: the token is wrong, expired or revoked. */
  | "square_unauthorized"
  /** 403: the token lacks a scope, or its kind may not use this API. */
  | "square_forbidden"
  | "square_not_found"
  /** Any other 4xx. */
  | "square_bad_request"
  /** 400 with INVALID_CURSOR. The caller must read the list from its beginning again. */
  | "square_invalid_cursor"
  /** 429 after all attempts. */
  | "square_rate_limited"
  /** 5xx or a broken connection, after all attempts. */
  | "square_unavailable"
  /** No answer in time, after all attempts. */
  | "square_timed_out"
  /** A 200 without a usable answer: HTML, a cut-off body, `errors`, or a list of the wrong type. */
  | "square_invalid_response"
  /** The call was aborted, because the process is stopping or the time is over. */
  | "square_interrupted"
  /** A cursor came again, or the list has too many pages. */
  | "square_endless_paging";

/** A request to Square failed. The message names the request's path, never a token or a value. */
export class SquareApiError extends RegularsError {
  declare readonly code: SquareApiErrorCode;
  /** The HTTP status, if there was one. */
  readonly status: number | undefined;
  /** Square's error codes, such as NOT_FOUND or INSUFFICIENT_SCOPES. May be empty. */
  readonly squareCodes: readonly string[];
  /** How long Square asked to wait (Retry-After), if it did. */
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
