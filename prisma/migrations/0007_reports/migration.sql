-- The daily views over a period of one organization, and the indexes that reports read by.
--
-- A view cannot hand a period down to its tables: it reads all bookings to tell one week. These functions answer the same rows
-- for a period, and tell who is new by the rows of customer_analytics. A test holds them equal to the views.

-- The one place where a local day becomes an instant: the first of the day.
create function local_midnight(day date, time_zone text) returns timestamptz
  language sql immutable parallel safe return day::timestamp at time zone time_zone;

-- No local day begins earlier or ends later than this, in any time zone (UTC-12 to UTC+14).
create function earliest_instant(day date) returns timestamptz
  language sql immutable parallel safe return local_midnight(day, 'UTC') - interval '14 hours';
create function latest_instant(day date) returns timestamptz
  language sql immutable parallel safe return local_midnight(day, 'UTC') + interval '36 hours';

create index bookings_start_idx on bookings (organization_id, start_at);
create index payments_created_idx on payments (organization_id, created_at);
create index refunds_created_idx on refunds (organization_id, created_at);

-- A plan that is made on an empty table takes the newest of two indexes that look equally good (see 0001). These begin with
-- organization_id, so the primary keys and after them the other indexes are made anew: they stay the newest.
alter table bookings drop constraint bookings_pkey;
alter table bookings add constraint bookings_pkey primary key (organization_id, booking_id);
drop index bookings_customer_idx;
create index bookings_customer_idx on bookings (customer_id, organization_id);
alter table payments drop constraint payments_pkey;
alter table payments add constraint payments_pkey primary key (organization_id, payment_id);
drop index payments_customer_idx;
create index payments_customer_idx on payments (customer_id, organization_id);
alter table refunds drop constraint refunds_pkey;
alter table refunds add constraint refunds_pkey primary key (organization_id, refund_id);
drop index refunds_payment_idx;
create index refunds_payment_idx on refunds (payment_id, organization_id);

create function appointments_by_location_daily(organization uuid, from_day date, to_day date)
returns table (
  location_id text, location_name text, date date, appointments_count integer, accepted_appointments integer,
  pending_appointments integer, cancelled_appointments integer, cancelled_by_customer integer,
  cancelled_by_seller integer, no_show_appointments integer, staff_slots integer, unique_customers integer,
  new_customers integer, returning_customers integer
) language sql stable parallel safe as $$
  with booking as (
    select b.booking_id, b.customer_id, b.status, b.location_id,
      coalesce(l.name, b.location_id) as location_name,
      local_date(b.start_at, coalesce(l.time_zone, o.time_zone)) as date
    from organizations o
    join bookings b on b.organization_id = o.id
    left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
    where o.id = organization and b.organization_id = organization
      and b.start_at >= earliest_instant(from_day) and b.start_at < latest_instant(to_day)
      and local_date(b.start_at, coalesce(l.time_zone, o.time_zone)) between from_day and to_day
  ), first_booking as (
    -- A customer is new exactly once: at the first ACCEPTED booking.
    select (
      select b.booking_id from bookings b
      where b.organization_id = organization and b.customer_id = a.square_customer_id
        and b.status = 'ACCEPTED' and b.start_at = a.first_booking_at
      order by b.booking_id collate "C" limit 1
    ) as booking_id
    from customer_analytics a
    where a.organization_id = organization
      and a.first_booking_at >= earliest_instant(from_day) and a.first_booking_at < latest_instant(to_day)
  ), staff as (
    select b.booking_id, count(distinct known_technician(s.team_member_id)) as members
    from booking b
    join booking_segments s on s.organization_id = organization and s.booking_id = b.booking_id
    where b.status = 'ACCEPTED'
    group by b.booking_id
  )
  select b.location_id, b.location_name, b.date,
    (count(*) filter (where b.status = 'ACCEPTED'))::integer,
    (count(*) filter (where b.status = 'ACCEPTED'))::integer,
    (count(*) filter (where b.status = 'PENDING'))::integer,
    (count(*) filter (where b.status in ('CANCELLED_BY_CUSTOMER', 'CANCELLED_BY_SELLER')))::integer,
    (count(*) filter (where b.status = 'CANCELLED_BY_CUSTOMER'))::integer,
    (count(*) filter (where b.status = 'CANCELLED_BY_SELLER'))::integer,
    (count(*) filter (where b.status = 'NO_SHOW'))::integer,
    coalesce(sum(staff.members) filter (where b.status = 'ACCEPTED'), 0)::integer,
    (count(distinct b.customer_id) filter (where b.status = 'ACCEPTED'))::integer,
    count(first_booking.booking_id)::integer,
    (count(distinct b.customer_id) filter (where b.status = 'ACCEPTED') - count(first_booking.booking_id))::integer
  from booking b
  left join first_booking on first_booking.booking_id = b.booking_id
  left join staff on staff.booking_id = b.booking_id
  group by b.location_id, b.location_name, b.date
$$;

create function revenue_by_location_daily(organization uuid, from_day date, to_day date)
returns table (
  location_id text, location_name text, date date, currency text, revenue_cents bigint, tips_cents bigint,
  gross_cents bigint, refunded_cents bigint, net_cents bigint, payment_count integer, unique_customers integer,
  unassigned_revenue_cents bigint
) language sql stable parallel safe as $$
  with money as (
    select p.location_id, p.created_at, p.currency, p.amount_cents, p.tip_cents, p.total_cents,
      0::bigint as refunded_cents, 1 as payments, p.customer_id,
      case when p.customer_id is null then p.amount_cents else 0 end as unassigned_cents
    from payments p
    where p.organization_id = organization and p.status = 'COMPLETED'
      and p.created_at >= earliest_instant(from_day) and p.created_at < latest_instant(to_day)
    union all
    -- On the refund's own day.
    select coalesce(r.location_id, p.location_id), r.created_at, r.currency, 0, 0, 0, r.amount_cents, 0, null, 0
    from refunds r
    left join payments p on p.organization_id = organization and p.payment_id = r.payment_id
    where r.organization_id = organization and r.status = 'COMPLETED'
      and r.created_at >= earliest_instant(from_day) and r.created_at < latest_instant(to_day)
  ), dated as (
    select m.*, coalesce(l.name, m.location_id) as location_name,
      local_date(m.created_at, coalesce(l.time_zone, o.time_zone)) as date
    from money m
    join organizations o on o.id = organization
    left join locations l on l.organization_id = organization and l.square_location_id = m.location_id
  )
  select location_id, location_name, date, currency,
    saturated_bigint(sum(amount_cents)), saturated_bigint(sum(tip_cents)), saturated_bigint(sum(total_cents)), saturated_bigint(sum(refunded_cents)),
    saturated_bigint(sum(total_cents) - sum(refunded_cents)), sum(payments)::integer, count(distinct customer_id)::integer,
    saturated_bigint(sum(unassigned_cents))
  from dated
  where date between from_day and to_day
  group by location_id, location_name, date, currency
$$;
