/**
 * Why a customer is overdue, when the next visit is expected, and when the customer becomes overdue, in words with
 * the arithmetic. It reads the row and counts nothing itself but days of the calendar.
 */
import { addDays, day, dayIn, daysBetween } from "./format.js";

/** The columns that the sentence is made of. */
export interface Rhythm {
  readonly visit_days: number;
  readonly first_visit_at: string | null;
  readonly last_visit_at: string | null;
  readonly upcoming_bookings: number;
  readonly next_booking_at: string | null;
  readonly avg_days_between_visits: number | null;
  readonly expected_next_visit_at: string | null;
  readonly is_overdue: boolean;
  readonly total_payments?: unknown;
  /** When the customer is, was or becomes overdue; worked out from the average where the row lacks it. */
  readonly overdue_at?: string | null;
}

const OVERDUE_AFTER = 1.5;
const DAY_MS = 86_400_000;

/** @param timeZone of the days that are named */
export function sentenceOf(customer: Rhythm, now: Date, timeZone: string): string {
  const calendar = calendarOf(now, timeZone);
  if (customer.last_visit_at === null) return neverCame(customer, calendar);
  if (customer.avg_days_between_visits === null) return cameOnce(customer, customer.last_visit_at, calendar);
  return regular(customer, customer.last_visit_at, customer.avg_days_between_visits, calendar);
}

interface Calendar {
  /** `Nov 5` */
  on(instant: string): string;
  /** `44 days ago`, `today`, `in 1 day` */
  away(instant: string): string;
}

function calendarOf(now: Date, timeZone: string): Calendar {
  const today = dayIn(now, timeZone);
  const dayOf = (instant: string) => dayIn(new Date(instant), timeZone);
  return {
    on: (instant) => day(dayOf(instant), today),
    away(instant) {
      const local = dayOf(instant);
      if (local === today) return "today";
      if (local === addDays(today, -1)) return "yesterday";
      if (local === addDays(today, 1)) return "tomorrow";
      const days = daysBetween(today, local);
      return days < 0 ? `${-days} days ago` : `in ${days} days`;
    },
  };
}

function neverCame(customer: Rhythm, calendar: Calendar): string {
  const booked = bookedFor(customer, calendar);
  if (booked) return `Has not come yet. ${booked}`;
  const bought = Number(customer.total_payments ?? 0) > 0;
  return bought
    ? "Buys, and has never had a visit. Nothing is booked."
    : "Has never come. Nothing is booked.";
}

function cameOnce(customer: Rhythm, last: string, calendar: Calendar): string {
  const rest = bookedFor(customer, calendar) ?? "Nothing is booked. One visit tells no rhythm yet.";
  return `Came once, on ${calendar.on(last)} (${calendar.away(last)}). ${rest}`;
}

function regular(customer: Rhythm, last: string, average: number, calendar: Calendar): string {
  const gaps = customer.visit_days - 1;
  const rhythm =
    `Comes ${every(average)} (${gaps} ${gaps === 1 ? "gap" : "gaps"}), ` +
    `last visit ${calendar.away(last)}${isNear(calendar.away(last)) ? "" : ` on ${calendar.on(last)}`}`;
  const booked = bookedFor(customer, calendar);
  if (booked) return `${rhythm}. ${booked}`;
  const overdueAt = customer.overdue_at ?? overdueFrom(last, average);
  // The stored average, so that whoever does the sum gets the day.
  const sum = `last visit + ${OVERDUE_AFTER} × ${average}`;
  if (customer.is_overdue) {
    return `${rhythm}, nothing booked, late since ${calendar.on(overdueAt)} = ${sum}.`;
  }
  const expected = customer.expected_next_visit_at;
  const when = expected === null ? "" : ` Expected ${calendar.on(expected)} (${calendar.away(expected)}).`;
  return `${rhythm}, nothing booked.${when} Overdue from ${calendar.on(overdueAt)} = ${sum}, unless booked before.`;
}

function bookedFor({ next_booking_at, upcoming_bookings }: Rhythm, calendar: Calendar): string | undefined {
  if (next_booking_at === null) return undefined;
  const more = upcoming_bookings - 1;
  const others = more > 0 ? `, and ${more} more after it` : "";
  return `Next booking ${calendar.on(next_booking_at)} (${calendar.away(next_booking_at)})${others}.`;
}

function overdueFrom(last: string, average: number): string {
  return new Date(Date.parse(last) + OVERDUE_AFTER * average * DAY_MS).toISOString();
}

function every(average: number): string {
  return plain(average) === "1" ? "every day" : `every ${plain(average)} days`;
}

/** Two weeks and more need no fractions. */
function plain(days: number): string {
  return String(days >= 14 ? Math.round(days) : Math.round(days * 10) / 10);
}

function isNear(away: string): boolean {
  return away === "today" || away === "yesterday";
}
