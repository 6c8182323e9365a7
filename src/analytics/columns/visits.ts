import type { Column } from "../column.js";
import { frequencyDays } from "../rules.js";
import { averageGap, gapInputs, interval, overdueFrom, window } from "./instants.js";

/** Microseconds in a day. */
const DAY = 86_400_000_000;

function visitsInWindow(days: "30d" | "90d" | "365d"): Column {
  return {
    name: `visits_last_${days}`,
    type: "integer",
    unit: "count",
    from: "booking",
    where: `visit and start_at > :now - ${window[days]}`,
    aggregate: "count",
    clock: ["visit_begins", `visit_leaves_${days}`],
    description: `Visits of the last ${Number.parseInt(days, 10)} days.`,
  };
}

/**
 * Columns over visits (ACCEPTED bookings whose start has passed) and over upcoming bookings. The clock changes all.
 */
export const visitColumns: readonly Column[] = [
  {
    name: "total_visits",
    type: "integer",
    unit: "count",
    from: "booking",
    where: "visit",
    aggregate: "count",
    clock: ["visit_begins"],
    description: "Number of visits: ACCEPTED bookings whose start has passed.",
  },
  {
    name: "visit_days",
    type: "integer",
    unit: "count",
    from: "booking",
    where: "visit",
    aggregate: "count distinct",
    value: "local_start::date",
    clock: ["visit_begins"],
    description:
      "Number of local days with at least one visit. Two visits on one afternoon are one visit day.",
  },
  {
    name: "first_visit_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "visit",
    aggregate: "min",
    value: "start_at",
    clock: ["visit_begins"],
    description: "Start of the first visit.",
  },
  {
    name: "last_visit_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "visit",
    aggregate: "max",
    value: "start_at",
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
    where: "upcoming",
    aggregate: "count",
    clock: ["upcoming_passes"],
    description: "Number of ACCEPTED or PENDING bookings that start in the future.",
  },
  {
    name: "next_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "upcoming",
    aggregate: "min",
    value: "start_at",
    clock: ["upcoming_passes"],
    description: "Start of the next upcoming booking.",
  },
  {
    name: "no_show_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "columns",
    inputs: ["total_no_shows", "total_visits"],
    formula: "total_no_shows::numeric / nullif(total_visits + total_no_shows, 0)",
    clock: ["visit_begins"],
    description: "No-shows divided by the sum of visits and no-shows. NULL without either.",
  },
  {
    name: "avg_days_between_visits",
    type: "numeric(24,2)",
    unit: "days",
    from: "columns",
    inputs: gapInputs,
    formula: `${averageGap} / ${DAY}`,
    clock: ["visit_begins"],
    description:
      "Days from the first to the last visit, divided by visit_days - 1. NULL under two visit days.",
  },
  {
    name: "expected_next_visit_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "columns",
    inputs: gapInputs,
    formula: `last_visit_at + ${interval(`round(${averageGap})`)}`,
    clock: ["visit_begins"],
    description: "Last visit plus the unrounded mean gap between visit days. NULL under two visit days.",
  },
  {
    name: "overdue_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "columns",
    inputs: gapInputs,
    formula: overdueFrom,
    clock: ["visit_begins"],
    description:
      "Last visit plus one and a half mean gaps between visit days. The customer is overdue from then on, unless a booking is upcoming. NULL under two visit days.",
  },
  {
    name: "is_overdue",
    type: "boolean",
    from: "columns",
    inputs: ["upcoming_bookings", ...gapInputs],
    required: true,
    formula: `coalesce(upcoming_bookings = 0 and :now >= ${overdueFrom}, false)`,
    clock: ["visit_begins", "upcoming_passes", "overdue_begins"],
    description:
      "Whether the customer has no upcoming booking and one and a half mean gaps between visit days have passed since the last visit. False under two visit days.",
  },
  {
    name: "visit_frequency",
    type: "text",
    from: "columns",
    inputs: gapInputs,
    formula: `case ${Object.entries(frequencyDays)
      .map(([frequency, days]) => `when ${averageGap} <= ${days} * ${DAY} then '${frequency}'`)
      .join("\n      ")}
      when visit_days >= 2 then 'OCCASIONAL' end`,
    clock: ["visit_begins"],
    description:
      "By the mean gap between visit days: WEEKLY up to 10 days, BIWEEKLY up to 21, MONTHLY up to 45, BIMONTHLY up to 75, else OCCASIONAL. NULL under two visit days.",
  },
  {
    name: "prebooked_visits",
    type: "integer",
    unit: "count",
    from: "visit",
    where: "later_start_at > start_at",
    aggregate: "count",
    clock: ["visit_begins"],
    description:
      "Number of visits that the customer rebooked: within 24 hours after the visit's start the customer made another booking with a later start, and that booking is not cancelled or declined.",
  },
  {
    name: "rebooking_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "columns",
    inputs: ["prebooked_visits", "total_visits"],
    formula: "prebooked_visits::numeric / nullif(total_visits, 0)",
    clock: ["visit_begins"],
    description: "Rebooked visits (prebooked_visits) divided by total_visits. NULL without visits.",
  },
];
