import type { ClockInstant, InstantName } from "../column.js";
import { OVERDUE_GAPS, segmentEnds } from "../rules.js";

/** Hours and not days, because the length of a day depends on the session's time zone. */
export const window = {
  "30d": "interval '720 hours'",
  "90d": "interval '2160 hours'",
  "365d": "interval '8760 hours'",
};

/** The columns that the average gap between visit days is computed from. */
export const gapInputs = ["first_visit_at", "last_visit_at", "visit_days"];

/** Microseconds from the first to the last visit, and the number of gaps. The latter is NULL under two visit days. */
const span = "1000000 * extract(epoch from last_visit_at - first_visit_at)";
const gaps = "nullif(greatest(visit_days - 1, 0), 0)";

/** The average gap between visit days in microseconds, unrounded. NULL under two visit days. */
export const averageGap = `${span} / ${gaps}`;

/**
 * Whole microseconds as an interval, in two parts. Postgres multiplies an interval only by a float8, and a float8
 * does not hold centuries of microseconds exactly.
 */
export function interval(microseconds: string): string {
  return `(div(${microseconds}, 1000000)::float8 * interval '1 second'
    + mod(${microseconds}, 1000000)::float8 * interval '1 microsecond')`;
}

/**
 * The instant at which a customer without an upcoming booking becomes overdue: one and a half gaps after the last
 * visit. It is rounded up to a whole microsecond, so it is never too early. It multiplies before it divides, so it
 * is exact.
 */
export const overdueFrom = `last_visit_at + ${interval(`ceil(${OVERDUE_GAPS} * ${span} / ${gaps})`)}`;

function visitLeaves(length: string): ClockInstant {
  return { from: "booking", where: `visit and start_at + ${length} > :now`, value: `start_at + ${length}` };
}

// A payment of 0 changes no sum when it leaves the window, so it makes no row due.
function paymentLeaves(length: string): ClockInstant {
  return {
    from: "payment",
    where: `main and amount_cents <> 0 and created_at + ${length} > :now`,
    value: `created_at + ${length}`,
  };
}

/** Every way in which the clock alone changes a row. Each is the earliest such instant after `:now`. */
export const instants: Readonly<Record<InstantName, ClockInstant>> = {
  visit_begins: { from: "booking", where: "accepted and start_at > :now", value: "start_at" },
  upcoming_passes: { from: "booking", where: "upcoming", value: "start_at" },
  visit_leaves_30d: visitLeaves(window["30d"]),
  visit_leaves_90d: visitLeaves(window["90d"]),
  visit_leaves_365d: visitLeaves(window["365d"]),
  payment_leaves_30d: paymentLeaves(window["30d"]),
  payment_leaves_90d: paymentLeaves(window["90d"]),
  payment_leaves_365d: paymentLeaves(window["365d"]),
  overdue_begins: {
    from: "columns",
    formula: `case when upcoming_bookings = 0 and ${overdueFrom} > :now then ${overdueFrom} end`,
  },
  segment_ends: {
    from: "columns",
    formula: `case ${Object.values(segmentEnds)
      .map((end) => `when :now < ${end} then ${end}`)
      .join("\n      ")} end`,
  },
};
