/**
 * The rules that columns and reports share, as SQL. Each stands here once, so that a report and a row cannot disagree.
 * `b` stands for the alias of a booking, `now` for the instant of computation.
 */

/** A booking that was kept or is to be kept. */
export const isAccepted = (b: string) => `${b}.status = 'ACCEPTED'`;

/** A visit: an ACCEPTED booking whose start has passed (contract section 5). */
export const isVisit = (b: string, now: string) => `${isAccepted(b)} and ${b}.start_at <= ${now}`;

/** A booking that counts as rebooking: it is neither cancelled nor declined. */
export const isStanding = (b: string) =>
  `${b}.status not in ('CANCELLED_BY_CUSTOMER', 'CANCELLED_BY_SELLER', 'DECLINED')`;

/** A cancellation by the customer less than a day before the start. */
export const isLateCancellation = (b: string) =>
  `${b}.status = 'CANCELLED_BY_CUSTOMER' and ${b}.start_at - ${b}.updated_at < interval '24 hours'`;

/**
 * The latest start among standing bookings made within 24 hours of a visit's start: the visit was rebooked if it is later than
 * the visit. Over rows `at` (a visit's start, or when a booking was made) and `start_at` (of the booking; NULL for a visit). One
 * sorted pass: bookings joined with bookings are quadratic for a customer with thousands of them.
 *
 * @param customer the column that tells customers apart, when the rows are of several
 */
export const latestRebookedStart = (customer?: string) =>
  `max(start_at) over (${customer ? `partition by ${customer} ` : ""}order by at
          range between current row and interval '23:59:59.999999' following)`;

/** The local day of an instant at a booking's or payment's place; `l` is its location's alias, `o` the organization's. */
export const localDay = (instant: string) => `local_date(${instant}, coalesce(l.time_zone, o.time_zone))`;

/** The segments, in the order in which the first match counts. */
export const segments = ["NEVER_VISITED", "NEW", "ACTIVE", "AT_RISK", "LOST"] as const;
export type Segment = (typeof segments)[number];

/** The instants at which time alone ends a segment; a later visit moves the last two. */
export const segmentEnds = {
  NEW: "first_visit_at + new_for",
  ACTIVE: "last_visit_at + active_for",
  AT_RISK: "last_visit_at + at_risk_for",
} as const;

/**
 * The segment at `now`, over columns first_visit_at, last_visit_at (NULL without a visit) and the organization's new_for,
 * active_for, at_risk_for.
 */
export const segmentAt = (now: string) => `case when first_visit_at is null then 'NEVER_VISITED'
      when ${now} < ${segmentEnds.NEW} then 'NEW'
      when ${now} < ${segmentEnds.ACTIVE} then 'ACTIVE'
      when ${now} < ${segmentEnds.AT_RISK} then 'AT_RISK'
      else 'LOST' end`;
