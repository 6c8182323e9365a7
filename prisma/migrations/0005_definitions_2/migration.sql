-- Definitions of version 2: visit days, gift cards, notes and technicians that are nobody's. The next sweep rewrites every row.

-- A sum as a column can hold it: the nearest number of its type. No amount that Square can send makes a customer uncomputable.
create function saturated_bigint(exact numeric) returns bigint
  language sql immutable parallel safe return
  least(greatest(exact, -9223372036854775808), 9223372036854775807)::bigint;

create function saturated_integer(exact numeric) returns integer
  language sql immutable parallel safe return least(greatest(exact, -2147483648), 2147483647)::integer;

-- Text that shows something, or NULL: of white space alone it is empty. By the characters and not by the locale, so that every
-- database answers the same.
create function visible_text(note text) returns text language sql immutable parallel safe return
  case when btrim(note, E' \t\n\u000b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009'
    '\u200a\u2028\u2029\u202f\u205f\u3000\ufeff') <> '' then note end;

-- Square's id for "whoever is free" is nobody.
create function known_technician(team_member_id text) returns text
  language sql immutable parallel safe return nullif(team_member_id, 'anyTeamMember');

-- Whether it was paid with a Square gift card. Payments that stand here say so in Square's own object.
alter table payments add column is_gift_card boolean not null default false;
update payments set is_gift_card = true where raw #>> '{card_details,card,card_brand}' = 'SQUARE_GIFT_CARD';

alter table customer_analytics add column visit_days integer not null default 0;
alter table customer_analytics alter column visit_days drop default;
alter table customer_analytics add column gift_card_redeemed_cents bigint not null default 0;
alter table customer_analytics alter column gift_card_redeemed_cents drop default;

-- Every column by name: `a.*` would be frozen as it is today, without a word. New columns come last, so that the view can be
-- replaced under the views that others have built on it.
create or replace view customer_profiles as
select
  a.organization_id, a.square_customer_id, a.given_name, a.family_name, a.company_name, a.email_address,
  a.phone_number, a.birthday, a.creation_source, a.customer_created_at, a.total_bookings, a.total_accepted_bookings,
  a.total_pending_bookings, a.total_declined_bookings, a.total_cancelled_by_customer, a.total_cancelled_by_seller,
  a.total_no_shows, a.late_cancellations, a.first_booking_at, a.last_booking_at, a.last_booked_at,
  a.cancellation_rate, a.avg_lead_time_hours, a.total_booked_minutes, a.avg_booking_minutes, a.self_booked_bookings,
  a.booking_notes, a.notes_count, a.total_visits, a.first_visit_at, a.last_visit_at, a.visits_last_30d,
  a.visits_last_90d, a.visits_last_365d, a.upcoming_bookings, a.next_booking_at, a.no_show_rate,
  a.avg_days_between_visits, a.expected_next_visit_at, a.is_overdue, a.visit_frequency, a.prebooked_visits,
  a.rebooking_rate, a.distinct_locations, a.preferred_location_id, a.first_location_id, a.last_location_id,
  a.distinct_technicians, a.preferred_technician_id, a.last_technician_id, a.distinct_services,
  a.preferred_service_variation_id, a.last_service_variation_id, a.preferred_weekday, a.preferred_hour,
  a.total_payments, a.failed_payments, a.total_revenue_cents, a.total_tips_cents, a.gross_revenue_cents,
  a.total_refunds, a.total_refunded_cents, a.net_revenue_cents, a.avg_ticket_cents, a.max_ticket_cents,
  a.first_payment_at, a.last_payment_at, a.last_payment_cents, a.total_processing_fees_cents, a.tip_rate,
  a.revenue_per_visit_cents, a.revenue_last_30d_cents, a.revenue_last_90d_cents, a.revenue_last_365d_cents,
  a.currency, a.other_currency_payments, a.preferred_payment_source, a.is_referrer, a.activated_as_referrer_at,
  a.referral_source, a.total_referrals, a.total_rewards_cents, a.customer_segment, a.customer_type,
  a.refresh_due_at, a.definition_version, a.created_at, a.updated_at, a.computed_at,
  coalesce(l.name, a.preferred_location_id) as preferred_location_name,
  nullif(concat_ws(' ', t.given_name, t.family_name), '') as preferred_technician_name,
  v.name as preferred_service_name,
  floor(extract(epoch from now() - a.last_visit_at) / 86400)::integer as days_since_last_visit,
  floor(extract(epoch from now() - a.last_payment_at) / 86400)::integer as days_since_last_payment,
  ceil(extract(epoch from a.next_booking_at - now()) / 86400)::integer as days_until_next_booking,
  a.visit_days, a.gift_card_redeemed_cents
from customer_analytics a
left join locations l
  on l.organization_id = a.organization_id and l.square_location_id = a.preferred_location_id
left join team_members t
  on t.organization_id = a.organization_id and t.square_team_member_id = a.preferred_technician_id
left join service_variations v
  on v.organization_id = a.organization_id and v.square_variation_id = a.preferred_service_variation_id;

-- Recency, frequency and monetary scores among the organization's customers who have visited; 5 is best. Equal values get equal
-- scores: the fifth into which a value falls, counting half of its equals as below it. It never passes 5.
create or replace view customer_rfm as
with ranked as (
  select organization_id, square_customer_id,
    count(*) over (partition by organization_id) as customers,
    rank() over (partition by organization_id order by last_visit_at) - 1 as earlier,
    count(*) over (partition by organization_id, last_visit_at) as as_recent,
    rank() over (partition by organization_id order by total_visits) - 1 as rarer,
    count(*) over (partition by organization_id, total_visits) as as_frequent,
    rank() over (partition by organization_id order by total_revenue_cents) - 1 as smaller,
    count(*) over (partition by organization_id, total_revenue_cents) as as_valuable
  from customer_analytics where total_visits > 0
), scored as (
  select organization_id, square_customer_id,
    (5 * (2 * earlier + as_recent) / (2 * customers) + 1)::integer as recency,
    (5 * (2 * rarer + as_frequent) / (2 * customers) + 1)::integer as frequency,
    (5 * (2 * smaller + as_valuable) / (2 * customers) + 1)::integer as monetary
  from ranked
)
select organization_id, square_customer_id, recency, frequency, monetary,
  case
    when recency >= 4 and frequency >= 4 and monetary >= 4 then 'CHAMPION'
    when recency >= 3 and frequency >= 4 then 'LOYAL'
    when recency <= 2 and frequency >= 4 and monetary >= 4 then 'CANNOT_LOSE'
    when recency >= 4 and frequency between 2 and 3 then 'POTENTIAL_LOYALIST'
    when recency = 5 and frequency = 1 then 'NEW'
    when recency = 4 and frequency = 1 then 'PROMISING'
    when recency = 3 then 'NEEDS_ATTENTION'
    when recency <= 2 and frequency >= 3 then 'AT_RISK'
    when recency = 2 then 'HIBERNATING'
    else 'LOST'
  end as rfm_class
from scored;

-- Sums of money that no amount makes fail.
create or replace view analytics_revenue_by_location_daily as
with money as (
  select p.organization_id, p.location_id, p.created_at, p.currency, p.amount_cents, p.tip_cents, p.total_cents,
    0::bigint as refunded_cents, 1 as payments, p.customer_id
  from payments p where p.status = 'COMPLETED'
  union all
  select r.organization_id, coalesce(r.location_id, p.location_id), r.created_at, r.currency, 0, 0, 0,
    r.amount_cents, 0, null
  from refunds r
  left join payments p on p.organization_id = r.organization_id and p.payment_id = r.payment_id
  where r.status = 'COMPLETED'
)
select m.organization_id, m.location_id, coalesce(l.name, m.location_id) as location_name,
  local_date(m.created_at, coalesce(l.time_zone, o.time_zone)) as date, m.currency,
  saturated_bigint(sum(m.amount_cents)) as revenue_cents,
  saturated_bigint(sum(m.tip_cents)) as tips_cents,
  saturated_bigint(sum(m.total_cents)) as gross_cents,
  saturated_bigint(sum(m.refunded_cents)) as refunded_cents,
  saturated_bigint(sum(m.total_cents) - sum(m.refunded_cents)) as net_cents,
  sum(m.payments)::integer as payment_count,
  count(distinct m.customer_id)::integer as unique_customers
from money m
join organizations o on o.id = m.organization_id
left join locations l on l.organization_id = m.organization_id and l.square_location_id = m.location_id
group by m.organization_id, m.location_id, coalesce(l.name, m.location_id),
  local_date(m.created_at, coalesce(l.time_zone, o.time_zone)), m.currency;

-- Nobody takes no slot.
create or replace view analytics_appointments_by_location_daily as
with booking as (
  select b.organization_id, b.location_id, coalesce(l.name, b.location_id) as location_name,
    local_date(b.start_at, coalesce(l.time_zone, o.time_zone)) as date, b.booking_id, b.customer_id, b.status,
    -- A customer is new exactly once: at the first ACCEPTED booking.
    b.status = 'ACCEPTED' and b.customer_id is not null and row_number() over (
      partition by b.organization_id, b.customer_id, b.status order by b.start_at, b.booking_id collate "C"
    ) = 1 as is_first
  from bookings b
  join organizations o on o.id = b.organization_id
  left join locations l on l.organization_id = b.organization_id and l.square_location_id = b.location_id
), staff as (
  select s.organization_id, s.booking_id, count(distinct known_technician(s.team_member_id)) as members
  from booking_segments s group by s.organization_id, s.booking_id
)
select b.organization_id, b.location_id, b.location_name, b.date,
  (count(*) filter (where b.status = 'ACCEPTED'))::integer as appointments_count,
  (count(*) filter (where b.status = 'ACCEPTED'))::integer as accepted_appointments,
  (count(*) filter (where b.status = 'PENDING'))::integer as pending_appointments,
  (count(*) filter (where b.status in ('CANCELLED_BY_CUSTOMER', 'CANCELLED_BY_SELLER')))::integer
    as cancelled_appointments,
  (count(*) filter (where b.status = 'CANCELLED_BY_CUSTOMER'))::integer as cancelled_by_customer,
  (count(*) filter (where b.status = 'CANCELLED_BY_SELLER'))::integer as cancelled_by_seller,
  (count(*) filter (where b.status = 'NO_SHOW'))::integer as no_show_appointments,
  coalesce(sum(staff.members) filter (where b.status = 'ACCEPTED'), 0)::integer as staff_slots,
  (count(distinct b.customer_id) filter (where b.status = 'ACCEPTED'))::integer as unique_customers,
  (count(*) filter (where b.is_first))::integer as new_customers,
  (count(distinct b.customer_id) filter (where b.status = 'ACCEPTED') - count(*) filter (where b.is_first))::integer
    as returning_customers
from booking b
left join staff on staff.organization_id = b.organization_id and staff.booking_id = b.booking_id
group by b.organization_id, b.location_id, b.location_name, b.date;
