import type pg from "pg";
import { type Segment, segmentEnds, segments } from "../analytics/rules.js";
import type { Scope } from "./daily.js";
import { addDays, daysOf } from "./period.js";
import { readReport } from "./read-report.js";
import { cameBefore, movedPeople, people } from "./segment-parts.js";

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
    -- Many stays are alike by their days.
    ended as materialized (
      select day, next_day, has_returned, ${endsOn.map(({ column, end }) => `${dayOf(end)} as ${column}`).join(", ")},
        count(*)::integer as customers
      from (
        select day, next_day, last_visit_at, is_first and recent.customer_id is null as has_returned,
          coalesce(recent.first_visit_at, (select window_at from period)) as first_visit_at
        from stay left join recent on recent.customer_id collate "C" = stay.customer_id collate "C"
      ) as stay
      cross join organization
      group by ${["day", "next_day", "has_returned", ...endsOn.map(({ column }) => column)].map((_, at) => at + 1).join(", ")}
    )
    select day, segment, sum(customers)::integer as customers
    from (
      select step.day, segment, step.customers
      from (
        select i.*, ended.customers from ended
        cross join lateral (values ${intervals.join(",\n          ")}) as i (segment, from_day, until_day)
        union all
        select 'NEVER_VISITED', ${dayOf("greatest(known_at, (select begins_at from period))")},
          coalesce(${dayOf("first_visit_at")}, ${NEVER}), count(*)::integer
        from newcomer group by 2, 3
      ) as i
      cross join lateral (values (from_day, customers), (until_day, -customers)) as step (day, customers)
      where from_day < until_day and step.day < ${NEVER}
      union all
      select day, 'LOST', -customers from ended where has_returned
      union all
      select 0, 'LOST', count(*)::integer from customer_analytics where organization_id = $1 and ${cameBefore}
    ) as change
    group by day, segment`,
};

const movementsStatement = {
  name: "report_segment_movements",
  text: `
    with ${movedPeople},
    absent as (
      select (
        select count(*) from customer_analytics where organization_id = $1 and ${cameBefore}
      ) - (select count(*) from comer where has_returned) as customers
    )
    select from_segment, to_segment, sum(customers)::integer as customers
    from (
      select from_segment, to_segment, 1 as customers from moved
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
