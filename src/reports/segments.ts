import type pg from "pg";
import {
  isVisit,
  type Segment,
  segmentAt,
  segmentEnds,
  segmentPeriods,
  segments,
} from "../analytics/rules.js";
import type { Scope } from "./daily.js";
import { addDays, daysOf } from "./period.js";
import { readReport } from "./read-report.js";

/**
 * The number of customers in each segment at the end of a local day of the organization. Today is counted as of
 * now.
 */
export type SegmentDay = { readonly date: string } & Readonly<Record<Segment, number>>;

export interface Movement {
  /** NULL for customers who were not known at the beginning. */
  readonly from_segment: Segment | null;
  readonly to_segment: Segment;
  readonly customers: number;
}

/**
 * The organization, the days, and the customers with the values that their segment depends on. A customer is known
 * from the earliest of: created at Square, first booking made, first payment. A customer with none of these is
 * always known. Facts are read as they are now. All bookings and payments are read, because a customer who came
 * once stays in a segment. Indexes: bookings_start_idx and payments_customer_idx.
 */
const people = `
    organization as (
      select time_zone,
      ${segmentPeriods}
      from organizations where id = $1
    ),
    -- The last instant of each day, but never later than now. The first is the day before the period.
    period as (
      select min(ends_at) as begins_at, max(ends_at) as ends_at, array_agg(ends_at order by ends_at) as ends
      from (
        select least(local_midnight(d + 1, time_zone) - interval '1 microsecond', $4::timestamptz) as ends_at
        from organization
        cross join (select $2::date - 1 + n as d from generate_series(0, $3::date - $2::date + 1) as n) as calendar
        where local_midnight(d, time_zone) <= $4
      ) as day
    ),
    visit as (
      select b.customer_id, b.start_at from bookings b
      where b.organization_id = $1 and ${isVisit("b", "$4::timestamptz")} and b.customer_id is not null
    ),
    person as (
      select a.square_customer_id as customer_id, v.first_visit_at,
        coalesce(least(a.customer_created_at, booked_at, paid_at), '-infinity') as known_at
      from customer_analytics a
      left join (
        select customer_id, min(start_at) as first_visit_at from visit group by customer_id
      ) as v on v.customer_id = a.square_customer_id
      left join (
        select customer_id, min(created_at) as booked_at from bookings where organization_id = $1 group by customer_id
      ) as b on b.customer_id = a.square_customer_id
      left join (
        select customer_id, min(created_at) as paid_at from payments where organization_id = $1 group by customer_id
      ) as p on p.customer_id = a.square_customer_id
      where a.organization_id = $1
    )`;

/**
 * Walks through the instants at which each customer's segment may change: the instant of being known, each visit,
 * and the segment ends after that visit. Changes before the period count at its beginning.
 */
const dailyStatement = {
  name: "report_segments_daily",
  text: `
    with ${people},
    stay as (
      select customer_id, at as last_visit_at, lead(at) over (partition by customer_id order by at) as next_visit_at
      from (
        select customer_id, start_at as at from visit where start_at > (select begins_at from period)
        union
        select customer_id, max(start_at) from visit
        where start_at <= (select begins_at from period) group by customer_id
      ) as visited
    ),
    moment as (
      select distinct stay.customer_id, person.first_visit_at, stay.last_visit_at, greatest(m.at, begins_at) as at
      from stay
      join person using (customer_id)
      cross join period
      cross join organization
      cross join lateral unnest(array[last_visit_at, ${Object.values(segmentEnds).join(", ")}]) as m (at)
      where m.at >= last_visit_at and m.at <= ends_at
        and (next_visit_at is null or greatest(m.at, begins_at) < next_visit_at)
      union all
      select customer_id, null, null, greatest(known_at, begins_at)
      from person cross join period
      where known_at <= ends_at and (first_visit_at is null or greatest(known_at, begins_at) < first_visit_at)
    ),
    change as (
      select customer_id, width_bucket(at - interval '1 microsecond', ends) as day, segment,
        lag(segment) over (partition by customer_id order by at) as segment_before
      from (
        select moment.*, ${segmentAt("at")} as segment from moment cross join organization
      ) as moment
      cross join period
    )
    select day, segment, sum(customers)::integer as customers
    from (
      select day, segment, 1 as customers from change
      union all
      select day, segment_before, -1 from change where segment_before is not null
    ) as step
    group by day, segment`,
};

const segmentAtEnd = (instant: string, lastVisit: string) => `(
        select case when v.last_visit_at is null and known_at > ${instant} then null else ${segmentAt(instant)} end
        from (
          select case when ${lastVisit} is not null then person.first_visit_at end as first_visit_at,
            ${lastVisit} as last_visit_at
        ) as v
      )`;

const movementsStatement = {
  name: "report_segment_movements",
  text: `
    with ${people},
    visited as (
      select customer_id, max(start_at) filter (where start_at <= begins_at) as last_before,
        max(start_at) filter (where start_at <= ends_at) as last_at
      from visit cross join period group by customer_id
    )
    select from_segment, to_segment, count(*)::integer as customers
    from (
      select ${segmentAtEnd("begins_at", "visited.last_before")} as from_segment,
        ${segmentAtEnd("ends_at", "visited.last_at")} as to_segment
      from person
      left join visited using (customer_id)
      cross join period
      cross join organization
    ) as moved
    where to_segment is not null
    group by from_segment, to_segment
    order by from_segment nulls first, to_segment`,
};

/**
 * The number of customers by segment for each day of the period, at most until today.
 *
 * @param today the organization's local day of `now`
 */
export async function segmentsDaily(
  pool: pg.Pool,
  { organizationId, from, to }: Pick<Scope, "organizationId" | "from" | "to">,
  today: string,
  now: Date,
): Promise<SegmentDay[]> {
  const last = to < today ? to : today;
  if (from > last) return [];
  const values = [organizationId, from, last, now];
  const rows = await readReport<{ day: number; segment: Segment; customers: number }>(
    pool,
    dailyStatement,
    values,
  );
  const count = Object.fromEntries(segments.map((segment) => [segment, 0])) as Record<Segment, number>;
  return Array.from({ length: daysOf({ from, to: last }) + 1 }, (_, day) => {
    for (const change of rows) if (change.day === day) count[change.segment] += change.customers;
    return { date: addDays(from, day - 1), ...count };
  }).slice(1);
}

/**
 * Customers by segment at the end of the day before the period and at the end of the period, or now if that is
 * earlier.
 */
export async function segmentMovements(
  pool: pg.Pool,
  { organizationId, from, to }: Pick<Scope, "organizationId" | "from" | "to">,
  today: string,
  now: Date,
): Promise<Movement[]> {
  const last = to < today ? to : today;
  if (from > last) return [];
  const rows = await readReport<Movement>(pool, movementsStatement, [organizationId, from, last, now]);
  return rows;
}
