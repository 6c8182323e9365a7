import type { Segment, SegmentDays } from "../analytics/rules.js";
import type { CustomerFilters } from "./customer-filters.js";

/** In which part of an order all customers lie that pass the filters. */
export interface SortRange {
  /** Whether any of them may have a value, and whether any may have none. */
  readonly values: boolean;
  readonly nulls: boolean;
  /** Values are later than this, and not later than that; NULL: no bound. */
  readonly above: Date | null;
  readonly until: Date | null;
}

const everywhere: SortRange = { values: true, nulls: true, above: null, until: null };

/**
 * What filters say of the value by which customers are sorted. An order is read along its index, so it must begin
 * where the customers are: lost customers by their latest visit come behind all others. A customer whose segment has
 * ended by the clock and whose row is not yet recomputed passes no filter by segment.
 *
 * @param days may be left out when the filters name no segment
 */
export function rangeOf(
  sort: string,
  filters: CustomerFilters,
  now: Date,
  days: SegmentDays | undefined,
): SortRange {
  const { segment, overdue, due_within_days, upcoming } = filters;
  const visited = hasVisited(filters);
  const visits = segment && days ? visitsOf(segment as Segment[], days) : everSince;
  const ago = (length: number) => (Number.isFinite(length) ? daysFrom(now, -length) : null);
  switch (sort) {
    case "last_visit_at":
      return {
        values: visits.some,
        nulls: !visited,
        above: ago(visits.within),
        until: ago(visits.before),
      };
    case "first_booking_at":
      // Who has a first booking and has not visited has it still to come.
      return { ...everywhere, nulls: !visited, above: visits.some ? ago(visits.firstWithin) : now };
    case "overdue_at":
      return {
        values: visits.some,
        nulls: !hasGap(filters),
        // It is later than the last visit.
        above: due_within_days === undefined ? ago(visits.within) : now,
        until: overdue === true ? now : due_within_days === undefined ? null : daysFrom(now, due_within_days),
      };
    case "next_booking_at": {
      const nothing = overdue === true || due_within_days !== undefined || upcoming === false;
      return { ...everywhere, values: !nothing, nulls: upcoming !== true };
    }
    default:
      return everywhere;
  }
}

/** Whether all who pass have visited on two days, and so have a gap between visits. */
function hasGap({ overdue, due_within_days, visit_frequency }: CustomerFilters): boolean {
  return overdue === true || due_within_days !== undefined || visit_frequency !== undefined;
}

/** Whether all who pass the filters have visited. */
export function hasVisited(filters: CustomerFilters): boolean {
  const { segment, min_visits = 0, last_visit_from, last_visit_to } = filters;
  return (
    hasGap(filters) ||
    min_visits > 0 ||
    last_visit_from !== undefined ||
    last_visit_to !== undefined ||
    (segment !== undefined && !segment.includes("NEVER_VISITED"))
  );
}

/** So many days ago, or fewer, the last visit was, and so many or more; the first was as few days ago. */
interface Visits {
  readonly some: boolean;
  readonly within: number;
  readonly before: number;
  readonly firstWithin: number;
}

const everSince: Visits = { some: true, within: Infinity, before: Infinity, firstWithin: Infinity };

function visitsOf(segments: readonly Segment[], days: SegmentDays): Visits {
  const visited = segments.filter((segment) => segment !== "NEVER_VISITED");
  const longest = { NEW: days.new, ACTIVE: days.active, AT_RISK: days.at_risk, LOST: Infinity };
  const least = { NEW: 0, ACTIVE: 0, AT_RISK: days.active, LOST: days.at_risk };
  const before = Math.min(...visited.map((segment) => least[segment]));
  return {
    some: visited.length > 0,
    within: Math.max(...visited.map((segment) => longest[segment])),
    before: before === 0 ? Infinity : before,
    firstWithin: segments.every((segment) => segment === "NEW") ? days.new : Infinity,
  };
}

function daysFrom(now: Date, days: number): Date {
  return new Date(now.getTime() + days * 24 * 60 * 60_000);
}
