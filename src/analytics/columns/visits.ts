import type { Column } from "../column.js";
import { averageGapSeconds, overdueFrom, window } from "./instants.js";

function visitsInWindow(days: "30d" | "90d" | "365d"): Column {
  return {
    name: `visits_last_${days}`,
    type: "integer",
    unit: "count",
    from: "booking",
    sql: `count(*) filter (where visit and start_at > :now - ${window[days]})`,
    empty: "0",
    clock: ["visit_begins", `visit_leaves_${days}`],
    description: `Visits of the last ${Number.parseInt(days, 10)} days.`,
  };
}

/** Visits: ACCEPTED bookings whose start has passed. All of it changes by the clock. */
export const visitColumns: readonly Column[] = [
  {
    name: "total_visits",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(*) filter (where visit)",
    empty: "0",
    clock: ["visit_begins"],
    description: "ACCEPTED bookings whose start has passed.",
  },
  {
    name: "first_visit_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    sql: "min(start_at) filter (where visit)",
    clock: ["visit_begins"],
    description: "Start of the first visit.",
  },
  {
    name: "last_visit_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    sql: "max(start_at) filter (where visit)",
    clock: ["visit_begins"],
    description: "Start of the last visit.",
  },
  visitsInWindow("30d"),
  visitsInWindow("90d"),
  visitsInWindow("365d"),
  {
    name: "upcoming_bookings",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(*) filter (where upcoming)",
    empty: "0",
    clock: ["upcoming_passes"],
    description: "ACCEPTED or PENDING bookings still to come.",
  },
  {
    name: "next_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    sql: "min(start_at) filter (where upcoming)",
    clock: ["upcoming_passes"],
    description: "Start of the next upcoming booking.",
  },
  {
    name: "no_show_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "row",
    sql: "round(total_no_shows::numeric / nullif(total_visits + total_no_shows, 0), 4)",
    clock: ["visit_begins"],
    description: "No-shows over visits and no-shows.",
  },
  {
    name: "avg_days_between_visits",
    type: "numeric(24,2)",
    unit: "days",
    from: "row",
    sql: `round(${averageGapSeconds} / 86400, 2)`,
    clock: ["visit_begins"],
    description: "Mean gap between visits; NULL under two.",
  },
  {
    name: "expected_next_visit_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "row",
    sql: `last_visit_at + (${averageGapSeconds})::float8 * interval '1 second'`,
    clock: ["visit_begins"],
    description: "The last visit plus the mean gap, unrounded; NULL under two visits.",
  },
  {
    name: "is_overdue",
    type: "boolean",
    from: "row",
    required: true,
    sql: `coalesce(upcoming_bookings = 0 and :now >= ${overdueFrom}, false)`,
    clock: ["visit_begins", "upcoming_passes", "overdue_begins"],
    description: "Nothing upcoming, and one and a half mean gaps have passed since the last visit.",
  },
  {
    name: "visit_frequency",
    type: "text",
    from: "row",
    sql: `case when ${averageGapSeconds} <= 10 * 86400 then 'WEEKLY'
      when ${averageGapSeconds} <= 21 * 86400 then 'BIWEEKLY'
      when ${averageGapSeconds} <= 45 * 86400 then 'MONTHLY'
      when ${averageGapSeconds} <= 75 * 86400 then 'BIMONTHLY'
      when total_visits >= 2 then 'OCCASIONAL' end`,
    clock: ["visit_begins"],
    description: "The mean gap as WEEKLY, BIWEEKLY, MONTHLY, BIMONTHLY or OCCASIONAL; NULL under two visits.",
  },
  {
    name: "prebooked_visits",
    type: "integer",
    unit: "count",
    from: "rebooking",
    sql: "count(*) filter (where is_visit and later_start_at > at)",
    empty: "0",
    clock: ["visit_begins"],
    description: "Visits within 24 hours of whose start the customer made a later booking that still stands.",
  },
  {
    name: "rebooking_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "row",
    sql: "round(prebooked_visits::numeric / nullif(total_visits, 0), 4)",
    clock: ["visit_begins"],
    description: "Prebooked visits over visits.",
  },
];
