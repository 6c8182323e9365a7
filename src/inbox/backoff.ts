/** After this many attempts an event is dead. Only a replay by hand processes it again. */
export const MAX_ATTEMPTS = 8;

const FIRST_WAIT_MS = 5_000;
const FACTOR = 3;

/** The longest wait for a next attempt. */
export const LONGEST_WAIT_MS = FIRST_WAIT_MS * FACTOR ** (MAX_ATTEMPTS - 2) * 1.5;

/**
 * When to try a failed event again: 5 s after the first attempt, then three times as long after each further one. All
 * waits add up to about two hours. Jitter of up to half of the wait spreads events that failed at the same time.
 *
 * @param attempts how often it was tried, fewer than MAX_ATTEMPTS
 */
export function nextAttemptAt(attempts: number, now: Date, random: () => number = Math.random): Date {
  const wait = FIRST_WAIT_MS * FACTOR ** (attempts - 1);
  return new Date(now.getTime() + wait * (1 + random() / 2));
}
