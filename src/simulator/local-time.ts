/**
 * Local wall-clock time for the simulator. It does not use the product's local-day function, because the simulator
 * tests the product.
 */

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();
/** The offset for each zone and UTC day, if it is the same all day. */
const steadyOffsets = new Map<string, Map<number, number | null>>();

function exactOffset(timeZone: string, instant: number): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/**
 * The offset of local time from UTC in milliseconds. It is positive east of Greenwich.
 * @param instant milliseconds since the epoch
 * @throws {RangeError} for an unknown IANA time zone
 */
export function offsetAt(timeZone: string, instant: number): number {
  let days = steadyOffsets.get(timeZone);
  if (!days) {
    days = new Map();
    steadyOffsets.set(timeZone, days);
  }
  const day = Math.floor(instant / DAY);
  let offset = days.get(day);
  if (offset === undefined) {
    const [first, last] = [exactOffset(timeZone, day * DAY), exactOffset(timeZone, (day + 1) * DAY - 1)];
    offset = first === last ? first : null;
    days.set(day, offset);
  }
  return offset ?? exactOffset(timeZone, instant);
}

export interface LocalTime {
  /** Midnight of the local date as if it were UTC, for calendar arithmetic. */
  readonly date: number;
  /** ISO weekday: Monday 1 to Sunday 7. */
  readonly weekday: number;
  /** Minutes after local midnight by the wall clock. */
  readonly minute: number;
}

/** Reads the wall clock of a time zone at an instant (milliseconds since the epoch). */
export function localTime(timeZone: string, instant: number): LocalTime {
  const wall = instant + offsetAt(timeZone, instant);
  const date = Math.floor(wall / DAY) * DAY;
  return { date, weekday: new Date(date).getUTCDay() || 7, minute: Math.floor((wall - date) / 60_000) };
}

/**
 * The instant at which the wall clock of `timeZone` shows `minute` on `date` (as in `LocalTime`). For a time that the
 * spring change skips, it is the instant an hour later.
 */
export function instantOf(timeZone: string, date: number, minute: number): number {
  const wall = date + minute * 60_000;
  return wall - offsetAt(timeZone, wall - offsetAt(timeZone, wall));
}
