import type { SquareApiErrorCode } from "./api-error.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Square may ask for any wait; longer than this the process does not sit on a request. */
export const LONGEST_RETRY_AFTER_MS = 60_000;

/**
 * An answer that makes no sense passes when a proxy wrote it, and stays when the API has changed. Silence costs a whole time-out
 * each time. Both are asked for again, but seldom.
 */
const FEW_ATTEMPTS = 3;

/** How often a request may end like this. Every request only reads, so trying again changes nothing. */
export function attemptsFor(code: SquareApiErrorCode, attempts: number): number {
  if (code === "square_rate_limited" || code === "square_unavailable") return attempts;
  const seldom = code === "square_invalid_response" || code === "square_timed_out";
  return seldom ? Math.min(attempts, FEW_ATTEMPTS) : 1;
}

/**
 * The wait before the next attempt: half a second, doubled with each further failure, up to 30 s, of which jitter takes
 * up to a half, so that requests that failed together do not return together. Never shorter than what Square asked
 * for, up to 60 s.
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
 * Reads a Retry-After header, in seconds or as a date. The date counts from the answer's own Date where it has one, because
 * the two clocks may differ.
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
