/** The parts of statements that the reports about segments share. */
import { isVisit, segmentAt, segmentPeriods } from "../analytics/rules.js";

/** Who first came before the window, as a condition over `customer_analytics`. */
export const cameBefore = "first_booking_at <= (select window_at from period)";

/**
 * Since when a customer is known: created at Square, first booking made, first payment, whichever is earliest. NULL:
 * always.
 */
export const knownSince = (createdAt: string, customer: string) => `least(
          ${createdAt},
          (select min(b.created_at) from bookings b where b.organization_id = $1 and b.customer_id = ${customer}),
          (select min(p.created_at) from payments p where p.organization_id = $1 and p.customer_id = ${customer})
        )`;

/**
 * The organization, the days, and what segments depend on. A segment ends `longest` after the visit that began it. So
 * visits since `window_at` decide each segment of the period, and who came before and not since is LOST.
 *
 * `visit`: the visits since `window_at`. `recent`: customers who first came since `window_at`, or never. The first
 * visit is the first ACCEPTED booking, once it has started, so a row that is due is right too. `newcomer`: those of them
 * who had not come at the beginning. Of the others, who first came before the window, those without a visit in it are
 * absent: LOST on each day.
 *
 * Only of who had not come at the beginning it matters whether they were known. Facts are read as they are now.
 *
 * Indexes: bookings_start_idx and customer_analytics_first_booking_order_idx; bookings_customer_idx and
 * payments_customer_idx for customers who were created since.
 */
export const people = `
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
    newcomer as materialized (
      select customer_id, first_visit_at,
        case when customer_created_at <= begins_at then customer_created_at else coalesce(${knownSince(
          "customer_created_at",
          "recent.customer_id",
        )}, '-infinity') end as known_at
      from recent cross join period
      where first_visit_at is null or first_visit_at > begins_at
    )`;

const segmentAtEnd = (instant: string, lastVisit: string) => `(
        select case when v.last_visit_at is null and known_at > ${instant} then null else ${segmentAt(instant)} end
        from (
          select case when ${lastVisit} is not null then customer.first_visit_at end as first_visit_at,
            ${lastVisit} as last_visit_at
        ) as v
      )`;

/**
 * `people`, as `comer` the customers of `visit`, and as `moved` each of `people` but those who are absent, with the
 * segment at the beginning and at the end of the period. A segment is NULL for who was not known by then.
 */
export const movedPeople = `${people},
    visited as (
      select customer_id, max(start_at) filter (where start_at <= begins_at) as last_before, max(start_at) as last_at
      from visit cross join period group by customer_id
    ),
    comer as materialized (
      select visited.customer_id, recent.customer_id is null as has_returned, last_at,
        case when recent.customer_id is null then window_at else recent.first_visit_at end as first_visit_at,
        case when recent.customer_id is null then coalesce(last_before, window_at) else last_before end as last_before
      from visited
      left join recent using (customer_id)
      cross join period
    ),
    customer as (
      select customer_id, coalesce(comer.first_visit_at, newcomer.first_visit_at) as first_visit_at, known_at, last_before,
        last_at
      from newcomer
      full join comer using (customer_id)
    ),
    moved as (
      select customer_id, ${segmentAtEnd("begins_at", "customer.last_before")} as from_segment,
        ${segmentAtEnd("ends_at", "customer.last_at")} as to_segment
      from customer
      cross join period
      cross join organization
    )`;
