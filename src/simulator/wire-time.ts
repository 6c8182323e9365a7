/**
 * Timestamps as Square writes them. All functions take milliseconds since the epoch and return UTC. `objects.ts`
 * notes the precision of each object.
 */

const DAY = 86_400_000;
const dates = new Map<number, string>();
const digits = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"));

/** `2026-03-08T01:30:00Z` */
export function seconds(instant: number): string {
  return `${untilSeconds(instant)}Z`;
}

/** `2026-03-08T01:30:00.120Z` */
export function milliseconds(instant: number): string {
  return `${untilSeconds(instant)}.${digits[((instant % 1000) + 1000) % 1000]}Z`;
}

/** Several times faster than `Date.toISOString`, which would take a fifth of a large salon's time. */
function untilSeconds(instant: number): string {
  const day = Math.floor(instant / DAY);
  let date = dates.get(day);
  if (date === undefined) {
    date = new Date(instant).toISOString().slice(0, 11);
    dates.set(day, date);
  }
  const second = Math.floor((instant - day * DAY) / 1000);
  return `${date}${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
}

function two(value: number): string {
  return (digits[value] ?? "").slice(1);
}

/** `2026-03-08T01:30:00.12Z`, without trailing zeros of the fraction and without an empty fraction. */
export function trimmed(instant: number): string {
  return milliseconds(instant).replace(/\.?0*Z$/, "Z");
}

/** `2026-03-08T01:30:00.120603647Z`; the digits beyond milliseconds are `beyond` (0 to 999,999). */
export function nanoseconds(instant: number, beyond: number): string {
  return `${milliseconds(instant).slice(0, -1)}${String(beyond).padStart(6, "0")}Z`;
}
