/**
 * Instants as bigint microseconds since 1970 UTC, as exact as Postgres' timestamptz. Local time comes from
 * Intl.DateTimeFormat, without a database or a date library.
 */

/** An instant as input: a Date (milliseconds), or ISO or Postgres text with a zone. */
export type InstantLike = Date | string;

export const SECOND = 1_000_000n;
export const HOUR = 3_600n * SECOND;
/** A day is 24 hours, even when the clocks change. */
export const DAY = 24n * HOUR;

const TEXT = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)$/;

/** Microseconds since 1970 UTC. Digits past the sixth are cut off. Throws on text without a zone. */
export function toMicros(value: InstantLike): bigint {
  if (value instanceof Date) return BigInt(value.getTime()) * 1000n;
  const match = TEXT.exec(value);
  if (match === null) throw new Error(`not an instant with a zone: ${value}`);
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = match;
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return BigInt(wall) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6)) - zoneOffset(zone);
}

export function toMicrosOrNull(value: InstantLike | null | undefined): bigint | null {
  return value === null || value === undefined ? null : toMicros(value);
}

/** `2026-03-08T01:30:00.000000Z`. */
export function toIso(micros: bigint): string {
  const fraction = ((micros % SECOND) + SECOND) % SECOND;
  const seconds = (micros - fraction) / SECOND;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}.${fraction.toString().padStart(6, "0")}Z`;
}

export function toIsoOrNull(micros: bigint | null): string | null {
  return micros === null ? null : toIso(micros);
}

/** `2026-03-08T01:30:00.000Z`: the form of times inside booking_notes. */
export function toIsoMillis(micros: bigint): string {
  return `${toIso(micros).slice(0, 23)}Z`;
}

export interface LocalTime {
  /** `YYYY-MM-DD`, the local calendar day. */
  readonly date: string;
  /** 0 to 23. */
  readonly hour: number;
  /** ISO: Monday 1 to Sunday 7. */
  readonly weekday: number;
}

const localTimes = new Map<string, LocalTime>();

/** The local date and time in `timeZone` at this instant. */
export function localTime(micros: bigint, timeZone: string): LocalTime {
  const key = `${micros} ${timeZone}`;
  const known = localTimes.get(key) ?? computeLocalTime(micros, timeZone);
  localTimes.set(key, known);
  return known;
}

function computeLocalTime(micros: bigint, timeZone: string): LocalTime {
  const fraction = ((micros % SECOND) + SECOND) % SECOND;
  const wholeSecond = new Date(Number((micros - fraction) / 1000n));
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(wholeSecond)
      .map((part) => [part.type, part.value]),
  );
  const date = `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  const sundayIsZero = new Date(`${date}T00:00:00Z`).getUTCDay();
  return { date, hour: Number(parts.get("hour")), weekday: sundayIsZero === 0 ? 7 : sundayIsZero };
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
  });
  formatters.set(timeZone, made);
  return made;
}

function zoneOffset(zone: string): bigint {
  if (zone === "Z") return 0n;
  const sign = zone.startsWith("-") ? -1n : 1n;
  const hours = BigInt(zone.slice(1, 3));
  const minutes = BigInt(zone.slice(3).replace(":", "") || "0");
  return sign * (hours * HOUR + minutes * 60n * SECOND);
}
