import type { ExactInstant, Instant } from "./types.js";

const TIMESTAMP = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?$/;

/**
 * Reads a timestamp as Square writes it: RFC 3339 with 0 to 9 fraction digits and `Z` or an offset. A timestamp
 * without a zone is UTC: SearchEvents writes such timestamps, and `new Date()` would read them as local time.
 *
 * @returns the instant in UTC with exactly nine fraction digits; null when the text is not a timestamp, or when the
 *   date or time does not exist (30 February, year 0, second 60)
 */
export function parseExactInstant(text: string): ExactInstant | null {
  if (!TIMESTAMP.test(text) || !isRealTime(text)) return null;
  let end = 19;
  if (text[end] === ".")
    do end++;
    while (isDigit(text, end));
  const fraction = text.slice(20, end).padEnd(9, "0");
  const zone = text.slice(end);
  if (zone === "" || zone === "Z" || zone === "z") {
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z` as ExactInstant;
  }
  return shiftToUtc(text, zone, fraction);
}

/** Reads a timestamp to the microsecond (see {@link parseExactInstant}). */
export function parseInstant(text: string): Instant | null {
  const exact = parseExactInstant(text);
  return exact === null ? null : toMicroseconds(exact);
}

export function toNanoseconds(instant: Instant): ExactInstant {
  return `${instant.slice(0, 26)}000Z` as ExactInstant;
}

/** Truncates and never rounds, because an event must not move into the future. */
export function toMicroseconds(exact: ExactInstant): Instant {
  return `${exact.slice(0, 26)}Z` as Instant;
}

/** @returns microseconds since 1970-01-01T00:00:00Z, negative for earlier instants */
export function instantMicros(instant: Instant): bigint {
  const millis = Date.parse(`${instant.slice(0, 23)}Z`);
  return BigInt(millis) * 1000n + BigInt(instant.slice(23, 26));
}

/**
 * The instant of a `Date`, such as the clock's. @throws RangeError when the date is invalid or after the year 9999
 */
export function toInstant(date: Date): Instant {
  const instant = parseInstant(date.toISOString());
  if (instant === null) throw new RangeError("The date is outside the years 1 to 9999.");
  return instant;
}

function isRealTime(text: string): boolean {
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(5, 7));
  const day = Number(text.slice(8, 10));
  return (
    year >= 1 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysInMonth(year, month) &&
    text.slice(11, 13) <= "23" &&
    text.slice(14, 16) <= "59" &&
    text.slice(17, 19) <= "59"
  );
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function shiftToUtc(text: string, zone: string, fraction: string): ExactInstant | null {
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return null;
  const offset = (hours * 60 + minutes) * 60_000 * (zone[0] === "-" ? -1 : 1);
  const local = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`);
  const utc = new Date(local - offset).toISOString();
  // The shift can lead out of the years 1 to 9999.
  if (utc.length !== 24 || utc.startsWith("0000")) return null;
  return `${utc.slice(0, 19)}.${fraction}Z` as ExactInstant;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}
