import { InvalidParameter } from "../errors.js";

/** Local days `YYYY-MM-DD`, both included, in each location's own time zone. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

const DAY_MS = 24 * 60 * 60_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 1_830;

/**
 * The period of a request. By default it ends with `today` and is 30 days long.
 *
 * @param today the organization's local day
 * @throws {InvalidParameter} names `from` or `to`: the day does not exist, or the period ends before it begins or is
 *   longer than 1,830 days
 */
export function periodOf(
  { from, to }: { readonly from?: string | undefined; readonly to?: string | undefined },
  today: string,
): Period {
  const end = to === undefined ? today : existingDay("to", to);
  const begin = from === undefined ? addDays(end, 1 - DEFAULT_DAYS) : existingDay("from", from);
  if (begin > end) throw new InvalidParameter("from", `The period begins on ${begin}, after its end ${end}.`);
  if (daysOf({ from: begin, to: end }) > MAX_DAYS) {
    throw new InvalidParameter("from", `The period is longer than ${MAX_DAYS} days.`);
  }
  return { from: begin, to: end };
}

/** The period before: the same number of days, ending the day before `from`. */
export function previousPeriod(period: Period): Period {
  return { from: addDays(period.from, -daysOf(period)), to: addDays(period.from, -1) };
}

export function daysOf({ from, to }: Period): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
}

/** Adds days to a date, without any time zone. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

/** @throws {InvalidParameter} */
export function existingDay(parameter: string, day: string): string {
  const exists = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)) && addDays(day, 0) === day;
  if (!exists || day < "1970-01-01" || day > "9000-12-31") {
    throw new InvalidParameter(parameter, `${parameter} is an existing day such as 2026-01-31.`);
  }
  return day;
}
