/**
 * The rules that columns and reports share, as SQL. Each rule is written once, so a report and a row cannot
 * disagree. `b` is the alias of a booking, `now` the instant of computation.
 */

/** A booking that was accepted and not cancelled, past or future. */
export const isAccepted = (b: string) => `${b}.status = 'ACCEPTED'`;

/** A visit: an ACCEPTED booking whose start has passed. */
export const isVisit = (b: string, now: string) => `${isAccepted(b)} and ${b}.start_at <= ${now}`;

/** A standing booking: it is neither cancelled nor declined. Only such a booking counts as rebooking. */
export const isStanding = (b: string) =>
  `${b}.status not in ('CANCELLED_BY_CUSTOMER', 'CANCELLED_BY_SELLER', 'DECLINED')`;

/** A cancellation by the customer less than a day before the start. */
export const isLateCancellation = (b: string) =>
  `${b}.status = 'CANCELLED_BY_CUSTOMER' and ${b}.start_at - ${b}.updated_at < interval '24 hours'`;

/**
 * The latest start of the standing bookings that were made within 24 hours after a visit's start. The visit was
 * rebooked if that start is later than the visit.
 *
 * The rows have `at` and `start_at`. For a visit `at` is its start and `start_at` is NULL. For a booking `at` is
 * the time when it was made. A window function needs one sorted pass. A join of bookings with bookings is
 * quadratic, which is too slow for a customer with thousands of them.
 *
 * @param customer the column with the customer's id, when the rows belong to several customers
 */
export const latestRebookedStart = (customer?: string) =>
  `max(start_at) over (${customer ? `partition by ${customer} ` : ""}order by at
          range between current row and interval '23:59:59.999999' following)`;

/**
 * Whether an accepted booking is its customer's first one ever. Of two with the same start, the smaller id is first.
 * `a` is the alias of the customer's stored row. Index: bookings_customer_idx.
 *
 * @param b the alias of the booking
 */
export const isFirstAccepted = (b: string) => `${b}.start_at = a.first_booking_at and ${b}.booking_id = (
          select f.booking_id from bookings f
          where f.organization_id = $1 and f.customer_id = ${b}.customer_id
            and ${isAccepted("f")} and f.start_at = a.first_booking_at
          order by f.booking_id collate "C" limit 1
        )`;

/** The local day of an instant at a location. `l` is the alias of the location, `o` of the organization. */
export const localDay = (instant: string) => `local_date(${instant}, coalesce(l.time_zone, o.time_zone))`;

/**
 * Whether an instant is on one of the local days from `from` to `to` (SQL of dates), with the aliases of `localDay`. The
 * bounds in UTC let an index on the instant find the days; they are up to a day wider.
 */
export const isOnDays = (instant: string, from: string, to: string) =>
  `${instant} >= earliest_instant(${from}) and ${instant} < latest_instant(${to})
        and ${localDay(instant)} between ${from} and ${to}`;

/** The segments. The first that matches counts. */
export const segments = ["NEVER_VISITED", "NEW", "ACTIVE", "AT_RISK", "LOST"] as const;
export type Segment = (typeof segments)[number];

/** How many days a segment lasts unless the organization's settings say otherwise. */
const defaultSegmentDays = { new: 30, active: 42, at_risk: 90 } as const;
export type SegmentDays = Readonly<Record<keyof typeof defaultSegmentDays, number>>;
export const segmentDayNames = Object.keys(defaultSegmentDays) as (keyof SegmentDays)[];

/** How many days a segment lasts in an organization, as SQL over its `settings`. */
export const segmentDays = (name: keyof SegmentDays, settings = "settings") =>
  `segment_days(${settings}, '${name}', ${defaultSegmentDays[name]})`;

/** The organization's new_for, active_for and at_risk_for, as a select list over its `settings`. */
export const segmentPeriods = segmentDayNames
  .map((name) => `make_interval(hours => 24 * ${segmentDays(name)}) as ${name}_for`)
  .join(",\n      ");

/** The instants at which the clock alone ends a segment. A later visit moves the last two. */
export const segmentEnds = {
  NEW: "first_visit_at + new_for",
  ACTIVE: "last_visit_at + active_for",
  AT_RISK: "last_visit_at + at_risk_for",
} as const;

/**
 * The segment at `now`. It reads first_visit_at and last_visit_at (NULL without a visit) and the organization's
 * new_for, active_for and at_risk_for.
 */
export const segmentAt = (now: string) => `case when first_visit_at is null then 'NEVER_VISITED'
      when ${now} < ${segmentEnds.NEW} then 'NEW'
      when ${now} < ${segmentEnds.ACTIVE} then 'ACTIVE'
      when ${now} < ${segmentEnds.AT_RISK} then 'AT_RISK'
      else 'LOST' end`;

/** The longest mean gap between visit days of each frequency, in days. A longer one is OCCASIONAL. */
export const frequencyDays = { WEEKLY: 10, BIWEEKLY: 21, MONTHLY: 45, BIMONTHLY: 75 } as const;

/** A customer is overdue so many mean gaps between visit days after the last visit. */
export const OVERDUE_GAPS = 1.5;
