/** After so many attempts an event is dead: visible, and re-driven by hand. */
export const MAX_ATTEMPTS = 8;

const FIRST_WAIT_MS = 5_000;
const FACTOR = 3;

/** No event waits longer than this for its next attempt. */
export const LONGEST_WAIT_MS = FIRST_WAIT_MS * FACTOR ** (MAX_ATTEMPTS - 2) * 1.5;

/**
 * When to try a failed event again: 5 s after its first attempt, three times as long after each further one, about
 * two hours in all. Jitter of up to half spreads events that failed together.
 *
 * @param attempts how often it was tried, fewer than MAX_ATTEMPTS
 */
export function nextAttemptAt(attempts: number, now: Date, random: () => number = Math.random): Date {
  const wait = FIRST_WAIT_MS * FACTOR ** (attempts - 1);
  return new Date(now.getTime() + wait * (1 + random() / 2));
}
