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
 * The organization, the days, and what segments depend on. A segment ends `longest` after the visit that began it. So
 * visits since `window_at` decide each segment of the period, and who came before and not since is LOST.
 *
 * `visit`: the visits since `window_at`. `recent`: customers who first came since `window_at`, or never. The first
 * visit is the first ACCEPTED booking, once it has started, so a row that is due is right too. `returned`: the
 * customers of `visit` who first came before. Their first visit counts as `window_at`, where no segment depends on
 * it. `absent`: the number of the others who first came before.
 *
 * A customer is known from the earliest of: created at Square, first booking made, first payment. A customer with
 * none of these is always known. Only who had not come at the beginning needs this. Facts are read as they are now.
 *
 * Indexes: bookings_start_idx and customer_analytics_first_booking_idx; bookings_customer_idx and
 * payments_customer_idx for customers who were created since.
 */
const people = `
    organization as (
      select *, greatest(new_for, active_for, at_risk_for) as longest from (
        select time_zone,
        ${segmentPeriods}
        from organizations where id = $1
      ) as o
    ),
    -- The last instant of each day, but never later than now. The first is the day before the period.
    period as materialized (
      select min(ends_at) as begins_at, max(ends_at) as ends_at, array_agg(ends_at order by ends_at) as ends,
        min(ends_at) - (select longest from organization) as window_at
      from (
        select least(local_midnight(d + 1, time_zone) - interval '1 microsecond', $4::timestamptz) as ends_at
        from organization
        cross join (select $2::date - 1 + n as d from generate_series(0, $3::date - $2::date + 1) as n) as calendar
        where local_midnight(d, time_zone) <= $4
      ) as day
    ),
    visit as materialized (
      select b.customer_id, b.start_at from bookings b
      where b.organization_id = $1 and ${isVisit("b", "$4::timestamptz")} and b.customer_id is not null
        and b.start_at > (select window_at from period) and b.start_at <= (select ends_at from period)
    ),
    recent as materialized (
      select customer_id, case when first_booking_at <= $4 then first_booking_at end as first_visit_at, customer_created_at
      from (
        select square_customer_id as customer_id, first_booking_at, customer_created_at from customer_analytics
        where organization_id = $1 and first_booking_at > (select window_at from period)
        union all
        select square_customer_id, null, customer_created_at from customer_analytics
        where organization_id = $1 and first_booking_at is null
      ) as customer
    ),
    returned as materialized (
      select visited.customer_id from (select distinct customer_id from visit) as visited
      where not exists (select from recent where recent.customer_id = visited.customer_id)
    ),
    absent as (
      select (
        select count(*) from customer_analytics
        where organization_id = $1 and first_booking_at <= (select window_at from period)
      ) - (select count(*) from returned) as customers
    ),
    newcomer as materialized (
      select customer_id, first_visit_at,
        case when customer_created_at <= begins_at then customer_created_at else coalesce(least(
          customer_created_at,
          (select min(b.created_at) from bookings b where b.organization_id = $1 and b.customer_id = recent.customer_id),
          (select min(p.created_at) from payments p where p.organization_id = $1 and p.customer_id = recent.customer_id)
        ), '-infinity') end as known_at
      from recent cross join period
      where first_visit_at is null or first_visit_at > begins_at
    ),
    person as (
      select customer_id, first_visit_at from recent where first_visit_at is not null
      union all
      select customer_id, window_at from returned cross join period
    )`;

/**
 * A day by its index in `period.ends`. At an index stand the customers whose visits lie before that day's last
 * instant, so a visit counts from the first day that ends after it.
 */
const dayOf = (instant: string) => `width_bucket(${instant}, (select days from calendar))`;

/** A day that does not come. */
const NEVER = 2_147_483_647;

/** The day on which each segment ends after a visit, in the order in which segments are asked. */
const endsOn = Object.entries(segmentEnds).map(([segment, end]) => ({
  segment,
  column: `${segment.toLowerCase()}_until`,
  end,
}));

/** From which day until which a stay lies in each segment: the first that has not ended counts. */
const intervals = [...endsOn, { segment: "LOST", column: "next_day" }].map(({ segment, column }, index) => {
  const earlier = endsOn.slice(0, index).map((each) => each.column);
  return `('${segment}', greatest(${["day", ...earlier].join(", ")}), least(${column}, next_day))`;
});

/**
 * A stay is the time from the last visit of a day until the next day with a visit. It passes through the segments.
 * Each of them adds one customer on the day on which it begins, and takes one away where it ends. Who came before the
 * window is LOST until the first visit in it.
 */
const dailyStatement = {
  name: "report_segments_daily",
  text: `
    with ${people},
    calendar as materialized (
      select array_agg(e + interval '1 microsecond' order by e) as days from period cross join unnest(ends) as e
    ),
    stay as (
      select customer_id, day, last_visit_at, lag(day) over own is null as is_first,
        coalesce(lead(day) over own, ${NEVER}) as next_day
      from (
        select customer_id, ${dayOf("start_at")} as day, max(start_at) as last_visit_at from visit group by 1, 2
      ) as visited
      window own as (partition by customer_id collate "C" order by day)
    ),
    ended as (
      select day, next_day, has_returned, ${endsOn.map(({ column, end }) => `${dayOf(end)} as ${column}`).join(", ")}
      from (
        select day, next_day, last_visit_at, is_first and recent.customer_id is null as has_returned,
          coalesce(recent.first_visit_at, (select window_at from period)) as first_visit_at
        from stay left join recent on recent.customer_id = stay.customer_id
      ) as stay
      cross join organization
    )
    select day, segment, sum(customers)::integer as customers
    from (
      select step.day, segment, step.customers
      from (
        select i.* from ended
        cross join lateral (values ${intervals.join(",\n          ")}) as i (segment, from_day, until_day)
        union all
        select 'NEVER_VISITED', ${dayOf("greatest(known_at, (select begins_at from period))")},
          coalesce(${dayOf("first_visit_at")}, ${NEVER})
        from newcomer
      ) as i
      cross join lateral (values (from_day, 1), (until_day, -1)) as step (day, customers)
      where from_day < until_day and step.day < ${NEVER}
      union all
      select day, 'LOST', -1 from ended where has_returned
      union all
      select 0, 'LOST', count(*)::integer from customer_analytics
      where organization_id = $1 and first_booking_at <= (select window_at from period)
    ) as change
    group by day, segment`,
};

const segmentAtEnd = (instant: string, lastVisit: string) => `(
        select case when v.last_visit_at is null and known_at > ${instant} then null else ${segmentAt(instant)} end
        from (
          select case when ${lastVisit} is not null then customer.first_visit_at end as first_visit_at,
            ${lastVisit} as last_visit_at
        ) as v
      )`;

const movementsStatement = {
  name: "report_segment_movements",
  text: `
    with ${people},
    visited as (
      select customer_id, max(start_at) filter (where start_at <= begins_at) as last_before, max(start_at) as last_at
      from (
        select customer_id, start_at from visit
        union all
        select customer_id, window_at from returned cross join period
      ) as visit
      cross join period group by customer_id
    ),
    customer as (
      select customer_id, coalesce(person.first_visit_at, newcomer.first_visit_at) as first_visit_at, known_at, last_before,
        last_at
      from newcomer
      full join visited using (customer_id)
      left join person using (customer_id)
    )
    select from_segment, to_segment, sum(customers)::integer as customers
    from (
      select ${segmentAtEnd("begins_at", "customer.last_before")} as from_segment,
        ${segmentAtEnd("ends_at", "customer.last_at")} as to_segment, 1 as customers
      from customer
      cross join period
      cross join organization
      union all
      select 'LOST', 'LOST', customers from absent where customers > 0
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
