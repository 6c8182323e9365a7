import { instantOf, localTime } from "./local-time.js";
import type { BusinessHoursPeriod } from "./objects.js";

const DAY = 86_400_000;
const dayNames = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/** Opening and closing in minutes after local midnight, from Monday to Sunday. Null is a closed day. */
export type OpeningHours = readonly (readonly [number, number] | null)[];

const weekdays = [9 * 60, 20 * 60] as const;
export const openingHours: readonly OpeningHours[] = [
  [weekdays, weekdays, weekdays, weekdays, [9 * 60, 21 * 60], [9 * 60, 19 * 60], [10 * 60, 18 * 60]],
  [null, [10 * 60, 19 * 60], weekdays, weekdays, [10 * 60, 21 * 60], [9 * 60, 18 * 60], null],
];

/** The hours in the shape of Square's Location.business_hours. */
export function businessHours(hours: OpeningHours): BusinessHoursPeriod[] {
  const clock = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:00`;
  return hours.flatMap((span, day) =>
    span
      ? [
          {
            day_of_week: dayNames[day] ?? "",
            start_local_time: clock(span[0]),
            end_local_time: clock(span[1]),
          },
        ]
      : [],
  );
}

/** Whether a visit of `minutes` that begins at `instant` is within the local opening hours. */
export function isOpen(hours: OpeningHours, timeZone: string, instant: number, minutes: number): boolean {
  const { weekday, minute } = localTime(timeZone, instant);
  const span = hours[weekday - 1];
  return span ? minute >= span[0] && minute + minutes <= span[1] : false;
}

/**
 * The first suitable start on or after the local day of `instant`: within the opening hours, as near as possible to
 * the `wished` local minute, on a quarter of an hour, and after `notBefore`.
 */
export function openSlot(
  { hours, timeZone }: { readonly hours: OpeningHours; readonly timeZone: string },
  wish: {
    readonly instant: number;
    readonly wished: number;
    readonly minutes: number;
    readonly notBefore: number;
  },
): number {
  const first = localTime(timeZone, wish.instant).date;
  for (let date = first; date < first + 21 * DAY; date += DAY) {
    const weekday = new Date(date).getUTCDay() || 7;
    const span = hours[weekday - 1];
    if (!span) continue;
    const latest = Math.floor((span[1] - wish.minutes) / 15) * 15;
    if (latest < span[0]) continue;
    const minute = Math.max(span[0], Math.min(Math.round(wish.wished / 15) * 15, latest));
    const slot = instantOf(timeZone, date, minute);
    if (slot > wish.notBefore) return slot;
  }
  throw new RangeError(`no opening for a visit of ${wish.minutes} minutes`);
}

/** The next instant, not before `instant`, at which the wall clock is between two minutes of the day. */
export function nextBetween(
  timeZone: string,
  instant: number,
  [from, to]: readonly [number, number],
): number {
  const { date, minute } = localTime(timeZone, instant);
  if (minute >= from && minute < to) return instant;
  return instantOf(timeZone, minute < from ? date : date + DAY, from);
}
