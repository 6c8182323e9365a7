import { frequencyDays, OVERDUE_GAPS, type Segment, type SegmentDays } from "../analytics/rules.js";
import type { CustomerFilters } from "./customer-filters.js";

/** In which part of an order all customers lie that pass the filters. */
export interface SortRange {
  /** Whether any of them may have a value, and whether any may have none. */
  readonly values: boolean;
  readonly nulls: boolean;
  /** Every value lies between these, both included. NULL: no bound. */
  readonly least: Date | number | null;
  readonly most: Date | number | null;
}

/** What the filters' statement knows: how long segments last, and the instants of last_visit_from and last_visit_to. */
export interface FilterBounds extends SegmentDays {
  readonly last_visit_from: Date | null;
  readonly last_visit_to: Date | null;
}

const everywhere: SortRange = { values: true, nulls: true, least: null, most: null };

/**
 * What filters say of the value by which customers are sorted. An order is read along its index, so it must begin
 * where the customers are: lost customers by their latest visit come behind all others. A customer whose segment has
 * ended by the clock and whose row is not yet recomputed passes no filter by segment.
 *
 * @param bounds may be left out when the filters name no segment and no day of the last visit
 */
export function rangeOf(
  sort: string,
  filters: CustomerFilters,
  now: Date,
  bounds: FilterBounds | undefined,
): SortRange {
  const { segment, overdue, due_within_days, upcoming } = filters;
  const visited = hasVisited(filters);
  const mayHaveVisited = !isUnvisited(filters);
  const visits = segment && bounds ? visitsOf(segment as Segment[], bounds) : everSince;
  const from = latest(daysAgo(now, visits.within), bounds?.last_visit_from ?? null);
  const to = earliest(daysAgo(now, visits.before), bounds?.last_visit_to ?? null);
  switch (sort) {
    case "last_visit_at":
      return { values: mayHaveVisited, nulls: !visited, least: from, most: to };
    case "first_booking_at":
      // Who has a first booking and has not visited has it still to come. A first visit is no later than the last.
      return {
        values: !isWithoutBooking(filters),
        nulls: !visited,
        least: mayHaveVisited ? daysAgo(now, visits.firstWithin) : now,
        most: visited ? to : null,
      };
    case "overdue_at":
      return {
        values: mayHaveVisited,
        nulls: !hasGap(filters),
        // It is later than the last visit.
        least: due_within_days === undefined ? from : now,
        most: earliest(
          overdue === true ? now : null,
          due_within_days === undefined ? null : daysAfter(now, due_within_days),
          daysAfter(now, OVERDUE_GAPS * longestGap(filters)),
        ),
      };
    case "next_booking_at": {
      const nothing = overdue === true || due_within_days !== undefined || upcoming === false;
      return { ...everywhere, values: !nothing, nulls: upcoming !== true };
    }
    case "total_visits":
      return {
        ...everywhere,
        least: Math.max(filters.min_visits ?? 0, hasGap(filters) ? 2 : visited ? 1 : 0) || null,
        most: mayHaveVisited ? null : 0,
      };
    case "total_revenue_cents":
    case "net_revenue_cents":
    case "avg_ticket_cents":
      return { ...everywhere, most: isUnpaid(filters) ? 0 : null };
    default:
      return everywhere;
  }
}

/** Whether all who pass have visited on two days, and so have a gap between visits. */
function hasGap({ overdue, due_within_days, visit_frequency }: CustomerFilters): boolean {
  return overdue === true || due_within_days !== undefined || visit_frequency !== undefined;
}

/** The longest mean gap in days of those who pass. */
function longestGap({ visit_frequency }: CustomerFilters): number {
  const longest: Readonly<Record<string, number>> = frequencyDays;
  return Math.max(...(visit_frequency ?? [""]).map((frequency) => longest[frequency] ?? Infinity));
}

/** Whether all who pass the filters have visited. */
function hasVisited(filters: CustomerFilters): boolean {
  const { segment, min_visits = 0, last_visit_from, last_visit_to } = filters;
  return (
    hasGap(filters) ||
    min_visits > 0 ||
    last_visit_from !== undefined ||
    last_visit_to !== undefined ||
    (segment !== undefined && !segment.includes("NEVER_VISITED"))
  );
}

/** Whether nobody who passes has visited. */
function isUnvisited(filters: CustomerFilters): boolean {
  return (
    isWithoutBooking(filters) || filters.segment?.every((segment) => segment === "NEVER_VISITED") === true
  );
}

/** Whether nobody who passes has an accepted booking: that makes a customer a SERVICE_CLIENT. */
function isWithoutBooking({ customer_type }: CustomerFilters): boolean {
  return customer_type?.includes("SERVICE_CLIENT") === false;
}

/** Whether nobody who passes has paid: a payment makes a customer at least RETAIL. */
function isUnpaid({ customer_type }: CustomerFilters): boolean {
  return customer_type?.every((type) => type === "CANCELLED_ONLY" || type === "POTENTIAL") === true;
}

/** So many days ago, or fewer, the last visit was, and so many or more; the first was as few days ago. */
interface Visits {
  readonly within: number;
  readonly before: number;
  readonly firstWithin: number;
}

const everSince: Visits = { within: Infinity, before: 0, firstWithin: Infinity };

function visitsOf(segments: readonly Segment[], days: SegmentDays): Visits {
  const visited = segments.filter((segment) => segment !== "NEVER_VISITED");
  const longest = { NEW: days.new, ACTIVE: days.active, AT_RISK: days.at_risk, LOST: Infinity };
  const least = { NEW: 0, ACTIVE: 0, AT_RISK: days.active, LOST: days.at_risk };
  return {
    within: Math.max(...visited.map((segment) => longest[segment])),
    before: Math.min(...visited.map((segment) => least[segment])),
    firstWithin: segments.every((segment) => segment === "NEW") ? days.new : Infinity,
  };
}

function daysAgo(now: Date, days: number): Date | null {
  return days === 0 ? null : daysAfter(now, -days);
}

function daysAfter(now: Date, days: number): Date | null {
  return Number.isFinite(days) ? new Date(now.getTime() + days * 24 * 60 * 60_000) : null;
}

function latest(...instants: readonly (Date | null)[]): Date | null {
  const known = instants.filter((instant) => instant !== null);
  return known.length === 0 ? null : new Date(Math.max(...known.map(Number)));
}

function earliest(...instants: readonly (Date | null)[]): Date | null {
  const known = instants.filter((instant) => instant !== null);
  return known.length === 0 ? null : new Date(Math.min(...known.map(Number)));
}
