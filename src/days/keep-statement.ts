import { rebookedVisits } from "../analytics/rebooked-visits.js";
import { isAccepted, isOnDays, localDay } from "../analytics/rules.js";
import type { Statement } from "../database/query.js";

/**
 * The statements that keep the days from $2 to $3 of the organization $1. All of these days are past, so every
 * accepted booking of them is a visit.
 */

// Primary keys. Marks that this transaction does not see stay: the facts that they tell of are not seen either.
export const forgetStatements: readonly Statement[] = ["kept_days", "kept_revenue", "day_marks"].map(
  (table) => ({
    name: `forget_${table}`,
    text: `delete from ${table} where organization_id = $1 and day between $2 and $3`,
  }),
);

/**
 * `place` is `*` for the whole organization, `@` and the id for a location, and empty for bookings without one. Who
 * is new and who came back follows from all bookings of the days' customers, not from their stored rows.
 *
 * Indexes: bookings_start_idx for the days, bookings_customer_idx for their customers, primary keys.
 */
export const keepBookingsStatement: Statement = {
  name: "keep_days",
  text: `
    with booking as materialized (
      select b.booking_id, b.customer_id, b.status, b.start_at, coalesce('@' || b.location_id, '') as place,
        ${localDay("b.start_at")} as day
      from organizations o
      join bookings b on b.organization_id = o.id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and b.organization_id = $1
        and ${isOnDays("b.start_at", "$2", "$3")}
    ),
    visit as materialized (
      select booking_id, customer_id, start_at from booking where ${isAccepted("booking")}
    ),
    theirs as materialized (
      select b.organization_id, b.booking_id, b.customer_id, b.status, b.start_at, b.created_at,
        coalesce('@' || b.location_id, '') as place, ${localDay("b.start_at")} as day
      from (select distinct customer_id from visit where customer_id is not null) as c
      cross join organizations o
      join bookings b on b.organization_id = o.id and b.customer_id = c.customer_id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and b.organization_id = $1
    ),
    earliest as (
      select customer_id, min(start_at) as start_at from theirs where ${isAccepted("theirs")} group by customer_id
    ),
    first as (
      select distinct on (customer_id collate "C") booking_id
      from theirs join earliest using (customer_id, start_at)
      where ${isAccepted("theirs")}
      order by customer_id collate "C", booking_id collate "C"
    ),
    rebooked as (${rebookedVisits("visit", "$2", "$3", "theirs")}
    ),
    staff as (
      select s.booking_id, count(distinct known_technician(s.team_member_id)) as members
      from visit join booking_segments s on s.organization_id = $1 and s.booking_id = visit.booking_id
      group by s.booking_id
    ),
    came as (
      select customer_id, day, '*' as place, day - lag(day) over (partition by customer_id collate "C" order by day) as days
      from (select distinct customer_id, day from theirs where ${isAccepted("theirs")} and day <= $3) as whole
      union all
      select customer_id, day, place, day - lag(day) over (partition by customer_id collate "C", place collate "C" order by day)
      from (select distinct customer_id, place, day from theirs where ${isAccepted("theirs")} and day <= $3) as local
    ),
    came_back as (
      select day, place, array_agg(days order by days) as returned_after, array_agg(customers order by days) as returned
      from (
        select day, place, days, (sum(count(*)) over (partition by day, place order by days))::integer as customers
        from came where day >= $2 and days is not null
        group by day, place, days
      ) as distance
      group by day, place
    ),
    counted as (
      select b.day, p.place,
        count(*) filter (where b.status = 'ACCEPTED') as accepted_appointments,
        count(*) filter (where b.status = 'PENDING') as pending_appointments,
        count(*) filter (where b.status = 'CANCELLED_BY_CUSTOMER') as cancelled_by_customer,
        count(*) filter (where b.status = 'CANCELLED_BY_SELLER') as cancelled_by_seller,
        count(*) filter (where b.status = 'NO_SHOW') as no_show_appointments,
        coalesce(sum(staff.members), 0) as staff_slots,
        count(distinct b.customer_id) filter (where b.status = 'ACCEPTED') as unique_customers,
        count(first.booking_id) as new_customers,
        count(rebooked.booking_id) as rebooked_visits
      from booking b
      left join staff on staff.booking_id = b.booking_id
      left join first on first.booking_id = b.booking_id
      left join rebooked on rebooked.booking_id = b.booking_id
      cross join lateral (values ('*'), (b.place)) as p (place)
      group by b.day, p.place
    ),
    part as (
      select $2::date + n as day, '*' as place from generate_series(0, $3::date - $2::date) as n
      union
      select day, place from counted
    )
    insert into kept_days (organization_id, day, part, location_id, accepted_appointments, pending_appointments,
      cancelled_by_customer, cancelled_by_seller, no_show_appointments, staff_slots, unique_customers, new_customers,
      rebooked_visits, returned_after, returned)
    select $1, day, row_number() over (partition by day order by place <> '*', place collate "C") - 1,
      nullif(substr(place, 2), ''), coalesce(accepted_appointments, 0), coalesce(pending_appointments, 0),
      coalesce(cancelled_by_customer, 0), coalesce(cancelled_by_seller, 0), coalesce(no_show_appointments, 0),
      coalesce(staff_slots, 0), coalesce(unique_customers, 0), coalesce(new_customers, 0), coalesce(rebooked_visits, 0),
      coalesce(returned_after, '{}'), coalesce(returned, '{}')
    from part
    left join counted using (day, place)
    left join came_back using (day, place)`,
};

// Indexes: payments_created_idx and refunds_created_idx.
export const keepRevenueStatement: Statement = {
  name: "keep_revenue",
  text: `
    insert into kept_revenue (organization_id, day, part, location_id, currency, revenue_cents, tips_cents, gross_cents,
      refunded_cents, net_cents, payment_count, unique_customers, unassigned_revenue_cents)
    select $1, date, row_number() over (partition by date order by location_id collate "C", currency), location_id,
      currency, revenue_cents, tips_cents, gross_cents, refunded_cents, net_cents, payment_count, unique_customers,
      unassigned_revenue_cents
    from revenue_by_location_daily($1, $2, $3)`,
};
