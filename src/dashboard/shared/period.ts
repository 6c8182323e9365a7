/** How an address names a period. It names days, so that a link shows what its sender saw. */
import { addDays, daysBetween } from "./format.js";

export const PERIODS = [
  { name: "today", label: "Today", days: 1 },
  { name: "7", label: "7 days", days: 7 },
  { name: "30", label: "30 days", days: 30 },
  { name: "90", label: "90 days", days: 90 },
] as const;

/** `period` of an address whose days were entered by hand, even when one of `PERIODS` is as long. */
export const BY_HAND = "custom";

/** No period begins before it. A year that is being typed goes through the years 2, 20 and 202. */
export const FIRST_DAY = "2000-01-01";

const DEFAULT_DAYS = 30;

export interface Period {
  readonly from: string;
  readonly to: string;
  /** Which of `PERIODS` it is; undefined for other days. */
  readonly name: (typeof PERIODS)[number]["name"] | undefined;
  /** Whether its length is none of `PERIODS`, or its days were entered by hand. */
  readonly isByHand: boolean;
}

/** The days of the last `days` days. */
export function lastDays(days: number, today: string): { from: string; to: string } {
  return { from: addDays(today, 1 - days), to: today };
}

/** The period of an address; without one, or with days that are none or in the wrong order, the last 30 days. */
export function periodOf(parameters: URLSearchParams, today: string): Period {
  const { from, to } = daysOf(parameters) ?? relative(parameters, today) ?? lastDays(DEFAULT_DAYS, today);
  const length = daysBetween(from, to) + 1;
  const alike = PERIODS.find(({ days }) => days === length);
  const isByHand = alike === undefined || parameters.get("period") === BY_HAND;
  return { from, to, name: isByHand || to !== today ? undefined : alike.name, isByHand };
}

function daysOf(parameters: URLSearchParams): { from: string; to: string } | undefined {
  const [from, to] = [parameters.get("from"), parameters.get("to")];
  return from && to && isDay(from) && isDay(to) && from <= to ? { from, to } : undefined;
}

/** Whether a text is a day of the calendar, and none before `FIRST_DAY`. */
function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < FIRST_DAY) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/**
 * The days that an address means today without naming them: those of `period=7`, and the last 30 days where it names
 * anything else, such as an open panel. Undefined for an address that names days, and for one that names nothing: that
 * one shows the last days whenever it is opened.
 */
export function relative(
  parameters: URLSearchParams,
  today: string,
): { from: string; to: string } | undefined {
  if (daysOf(parameters) || [...parameters.keys()].every((name) => name === "organization")) return undefined;
  const days = PERIODS.find(({ name }) => name === parameters.get("period"))?.days;
  return lastDays(days ?? DEFAULT_DAYS, today);
}
