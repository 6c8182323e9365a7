/** The columns that also change by the clock, at one instant N. */
import { roundedInteger, roundedOrNull, smallest } from "./arithmetic.js";
import { acceptedInOrder, localDays } from "./booking-columns.js";
import type { FactTables, Row } from "./facts.js";
import { DAY, HOUR, toIso, toIsoOrNull } from "./instants.js";
import { countedPayments, revenueOf } from "./payment-columns.js";
import type { Booking, CustomerFacts } from "./read.js";

/** Days of `settings.segments`, in microseconds. */
export interface SegmentDays {
  readonly new: bigint;
  readonly active: bigint;
  readonly at_risk: bigint;
}

export function segmentDays(facts: FactTables): SegmentDays {
  const settings = facts.organization.settings as { segments?: Record<string, unknown> } | null | undefined;
  // Whole days. Any other value counts as not set.
  const days = (name: string, usual: number): bigint => {
    const set = settings?.segments?.[name];
    return BigInt(typeof set === "number" ? Math.round(Math.max(set, 0)) : usual) * DAY;
  };
  return { new: days("new", 30), active: days("active", 42), at_risk: days("at_risk", 90) };
}

export function clockColumns(facts: FactTables, customer: CustomerFacts, now: bigint): Row {
  return {
    ...visitColumns(facts, customer, now),
    ...upcomingColumns(customer, now),
    ...gapColumns(facts, customer, now),
    ...revenueColumns(facts, customer, now),
  };
}

/** A visit is an ACCEPTED booking with start_at <= N. In the order start_at, booking_id. */
function visitsAt(customer: CustomerFacts, now: bigint): Booking[] {
  return acceptedInOrder(customer.bookings).filter((booking) => booking.start_at <= now);
}

function visitColumns(facts: FactTables, customer: CustomerFacts, now: bigint): Row {
  const visits = visitsAt(customer, now);
  const first = visits[0]?.start_at ?? null;
  const last = visits.at(-1)?.start_at ?? null;
  const since = (window: bigint) => visits.filter((visit) => visit.start_at > now - window).length;
  const noShows = customer.bookings.filter((booking) => booking.status === "NO_SHOW").length;
  const prebooked = visits.filter((visit) => isPrebooked(customer, visit)).length;
  return {
    total_visits: visits.length,
    // local days with at least one visit
    visit_days: localDays(facts, visits),
    // MIN, MAX(start_at) of visits
    first_visit_at: toIsoOrNull(first),
    last_visit_at: toIsoOrNull(last),
    // visits with start_at > N - window
    visits_last_30d: since(30n * DAY),
    visits_last_90d: since(90n * DAY),
    visits_last_365d: since(365n * DAY),
    // total_no_shows / (total_visits + total_no_shows)
    no_show_rate: roundedOrNull(BigInt(noShows), BigInt(visits.length + noShows), 4),
    prebooked_visits: prebooked,
    // prebooked_visits / total_visits
    rebooking_rate: roundedOrNull(BigInt(prebooked), BigInt(visits.length), 4),
    customer_segment: segmentAt(facts, first, last, now),
  };
}

/**
 * Another booking, not cancelled or declined, with created_at in [V.start_at, V.start_at + 24 h) and a
 * later start_at.
 */
export function isPrebooked(customer: CustomerFacts, visit: Booking): boolean {
  const gone = ["CANCELLED_BY_CUSTOMER", "CANCELLED_BY_SELLER", "DECLINED"];
  return customer.bookings.some(
    (other) =>
      other.booking_id !== visit.booking_id &&
      !gone.includes(other.status) &&
      other.created_at >= visit.start_at &&
      other.created_at < visit.start_at + 24n * HOUR &&
      other.start_at > visit.start_at,
  );
}

export function segmentAt(facts: FactTables, first: bigint | null, last: bigint | null, now: bigint): string {
  const days = segmentDays(facts);
  if (first === null || last === null) return "NEVER_VISITED";
  if (now < first + days.new) return "NEW";
  if (now < last + days.active) return "ACTIVE";
  if (now < last + days.at_risk) return "AT_RISK";
  return "LOST";
}

function upcomingColumns(customer: CustomerFacts, now: bigint): Row {
  // ACCEPTED or PENDING with start_at > N: count, MIN
  const upcoming = upcomingAt(customer, now);
  return {
    upcoming_bookings: upcoming.length,
    next_booking_at: toIsoOrNull(smallest(upcoming.map((booking) => booking.start_at))),
  };
}

function upcomingAt(customer: CustomerFacts, now: bigint): Booking[] {
  return customer.bookings.filter((b) => ["ACCEPTED", "PENDING"].includes(b.status) && b.start_at > now);
}

function gapColumns(facts: FactTables, customer: CustomerFacts, now: bigint): Row {
  const visits = visitsAt(customer, now);
  const first = visits[0];
  const last = visits.at(-1);
  const days = localDays(facts, visits);
  if (first === undefined || last === undefined || days < 2) {
    return {
      avg_days_between_visits: null,
      expected_next_visit_at: null,
      overdue_at: null,
      is_overdue: false,
      visit_frequency: null,
    };
  }
  // The average gap is span / gaps; comparing products keeps it exact.
  const span = last.start_at - first.start_at;
  const gaps = BigInt(days - 1);
  const gapAtMost = (days: bigint) => span <= days * DAY * gaps;
  return {
    // (last_visit_at - first_visit_at) in days / (visit_days - 1)
    avg_days_between_visits: roundedOrNull(span, gaps * DAY, 2),
    // last_visit_at + avg_days_between_visits (unrounded)
    expected_next_visit_at: toIso(last.start_at + roundedInteger(span, gaps)),
    // last_visit_at + 1.5 x avg gap, to the next whole microsecond
    overdue_at: toIso(last.start_at + (3n * span + 2n * gaps - 1n) / (2n * gaps)),
    // no upcoming booking and N >= last_visit_at + 1.5 x avg gap
    is_overdue: upcomingAt(customer, now).length === 0 && 2n * gaps * (now - last.start_at) >= 3n * span,
    // <= 10 WEEKLY, <= 21 BIWEEKLY, <= 45 MONTHLY, <= 75 BIMONTHLY, else OCCASIONAL
    visit_frequency: gapAtMost(10n)
      ? "WEEKLY"
      : gapAtMost(21n)
        ? "BIWEEKLY"
        : gapAtMost(45n)
          ? "MONTHLY"
          : gapAtMost(75n)
            ? "BIMONTHLY"
            : "OCCASIONAL",
  };
}

function revenueColumns(facts: FactTables, customer: CustomerFacts, now: bigint): Row {
  const payments = countedPayments(facts, customer);
  const visits = BigInt(visitsAt(customer, now).length);
  const revenue = revenueOf(payments);
  const since = (window: bigint) =>
    revenueOf(payments.filter((payment) => payment.created_at > now - window));
  return {
    // ROUND(total_revenue_cents / total_visits), 0 without visits
    revenue_per_visit_cents: visits === 0n ? 0n : roundedInteger(revenue, visits),
    // amount_cents of payments with created_at > N - window
    revenue_last_30d_cents: since(30n * DAY),
    revenue_last_90d_cents: since(90n * DAY),
    revenue_last_365d_cents: since(365n * DAY),
  };
}
