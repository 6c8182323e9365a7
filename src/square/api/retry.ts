import type { SquareApiErrorCode } from "./api-error.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** The longest wait that Square's Retry-After can cause. */
export const LONGEST_RETRY_AFTER_MS = 60_000;

/**
 * Attempts for an invalid answer and for a time-out. A proxy's invalid answer goes away, but a change of the API
 * stays. A time-out costs its full time in each attempt. So both are tried a few times only.
 */
const FEW_ATTEMPTS = 3;

/** How often a request may fail with this code. Every request only reads, so repeating one is safe. */
export function attemptsFor(code: SquareApiErrorCode, attempts: number): number {
  if (code === "square_rate_limited" || code === "square_unavailable") return attempts;
  const seldom = code === "square_invalid_response" || code === "square_timed_out";
  return seldom ? Math.min(attempts, FEW_ATTEMPTS) : 1;
}

/**
 * The wait before the next attempt: half a second, doubled with each further failure, at most 30 s. Jitter shortens
 * it by up to half, so that requests that failed at the same time are not repeated at the same time. The wait is
 * never shorter than Square's Retry-After, up to 60 s.
 *
 * @param failures attempts so far, at least 1
 * @param random in [0, 1)
 */
export function waitBeforeRetry(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const full = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
  const backoff = Math.round(full * (1 - random() / 2));
  return Math.max(backoff, Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
}

/**
 * Reads a Retry-After header, which is in seconds or a date. A date is compared with the answer's Date header, if
 * there is one, because Square's clock may differ from ours.
 *
 * @returns milliseconds, not below 0; undefined when the header is missing or unreadable
 */
export function readRetryAfter(headers: Headers, now: () => number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const until = Date.parse(value);
  if (Number.isNaN(until)) return undefined;
  const sentAt = Date.parse(headers.get("date") ?? "");
  return Math.max(0, until - (Number.isNaN(sentAt) ? now() : sentAt));
}
