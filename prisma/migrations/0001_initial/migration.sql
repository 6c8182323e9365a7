-- Organizations, the mirror of Square's objects, customer_analytics, the inbox, and the views over them.
-- organization_id is the first column of every primary key, so that all of it can be distributed by it unchanged.
-- No foreign key points at a Square id: a payment may arrive before its customer, a booking before its location.
--
-- Statements are planned once per connection, often while the tables are still empty. An empty table makes two indexes
-- that both begin with organization_id look equally good, and then the newest is taken. So secondary indexes end with
-- organization_id, and where that is not open to us the primary key comes last. A test holds the plans to this.

-- The one place where an instant becomes a local time; local_date is the one local-day function.
create function local_time(instant timestamptz, time_zone text) returns timestamp
  language sql immutable parallel safe return instant at time zone time_zone;

create function local_date(instant timestamptz, time_zone text) returns date
  language sql immutable parallel safe return local_time(instant, time_zone)::date;

-- A name Postgres does not know as a time zone would fail every computation that meets it, so it never gets in:
-- NULL for an unknown one, and the reader falls back to the organization's.
create function known_time_zone(time_zone text) returns text language plpgsql immutable parallel safe as $$
begin
  perform timestamptz 'epoch' at time zone time_zone;
  return time_zone;
exception when invalid_parameter_value then
  return null;
end $$;

-- Days from settings.segments, or the default when the setting is absent or no sensible number.
create function segment_days(settings jsonb, segment text, default_days integer) returns integer
  language sql immutable parallel safe return
  case when jsonb_typeof(settings -> 'segments' -> segment) = 'number'
    then least(greatest((settings -> 'segments' ->> segment)::numeric, 0), 36500)::integer
    else default_days end;

create table organizations (
  id uuid not null default gen_random_uuid(),
  square_merchant_id text not null,
  name text not null,
  currency text,
  time_zone text not null,
  status text not null default 'active',
  settings jsonb not null default '{}',
  access_token_ciphertext bytea,
  authorized_at timestamptz(6),
  created_at timestamptz(6) not null default current_timestamp,
  constraint organizations_pkey primary key (id)
);
create unique index organizations_square_merchant_id_key on organizations (square_merchant_id);

create table locations (
  organization_id uuid not null,
  square_location_id text not null,
  name text not null,
  time_zone text,
  currency text,
  status text not null,
  -- Known only by its id, from a booking or payment, until it is fetched.
  is_placeholder boolean not null default false,
  constraint locations_pkey primary key (organization_id, square_location_id)
);

create table team_members (
  organization_id uuid not null,
  square_team_member_id text not null,
  given_name text,
  family_name text,
  status text not null,
  updated_at timestamptz(6),
  order_key bytea not null,
  constraint team_members_pkey primary key (organization_id, square_team_member_id)
);

create table service_variations (
  organization_id uuid not null,
  square_variation_id text not null,
  name text not null,
  item_name text,
  duration_minutes integer,
  price_cents bigint,
  currency text,
  version bigint,
  constraint service_variations_pkey primary key (organization_id, square_variation_id)
);

create table customers (
  organization_id uuid not null,
  square_customer_id text not null,
  version bigint not null,
  given_name text,
  family_name text,
  company_name text,
  email_address text,
  phone_number text,
  birthday text,
  creation_source text,
  created_at timestamptz(6),
  updated_at timestamptz(6),
  deleted_at timestamptz(6),
  order_key bytea not null,
  constraint customers_pkey primary key (organization_id, square_customer_id)
);

-- What Square said about merges; customer_aliases is worked out from it and from customer_recoveries.
create table customer_merges (
  organization_id uuid not null,
  from_customer_id text not null,
  to_customer_id text not null,
  source_version bigint,
  merged_at timestamptz(6),
  announced_at timestamptz(6) not null,
  constraint customer_merges_pkey primary key (organization_id, from_customer_id, to_customer_id)
);
create index customer_merges_to_idx on customer_merges (to_customer_id, organization_id);

create table customer_recoveries (
  organization_id uuid not null,
  square_customer_id text not null,
  recovered_version bigint not null,
  recovered_at timestamptz(6) not null,
  constraint customer_recoveries_pkey primary key (organization_id, square_customer_id)
);

create table customer_aliases (
  organization_id uuid not null,
  from_customer_id text not null,
  to_customer_id text not null,
  merged_at timestamptz(6) not null,
  constraint customer_aliases_pkey primary key (organization_id, from_customer_id)
);
create index customer_aliases_to_idx on customer_aliases (to_customer_id, organization_id);

create table bookings (
  organization_id uuid not null,
  booking_id text not null,
  version integer not null,
  status text not null,
  customer_id text,
  reported_customer_id text,
  location_id text,
  start_at timestamptz(6) not null,
  created_at timestamptz(6) not null,
  updated_at timestamptz(6) not null,
  duration_minutes integer not null,
  customer_note text,
  seller_note text,
  creator_type text,
  source text,
  raw jsonb not null,
  order_key bytea not null,
  constraint bookings_pkey primary key (organization_id, booking_id)
);
create index bookings_customer_idx on bookings (customer_id, organization_id);

create table booking_segments (
  organization_id uuid not null,
  booking_id text not null,
  segment_index integer not null,
  team_member_id text,
  service_variation_id text,
  duration_minutes integer not null,
  constraint booking_segments_pkey primary key (organization_id, booking_id, segment_index)
);

create table payments (
  organization_id uuid not null,
  payment_id text not null,
  status text not null,
  customer_id text,
  reported_customer_id text,
  location_id text,
  order_id text,
  amount_cents bigint not null,
  tip_cents bigint not null,
  total_cents bigint not null,
  processing_fee_cents bigint not null,
  currency text not null,
  source_type text,
  created_at timestamptz(6) not null,
  updated_at timestamptz(6) not null,
  raw jsonb not null,
  order_key bytea not null,
  constraint payments_pkey primary key (organization_id, payment_id)
);
create index payments_customer_idx on payments (customer_id, organization_id);

create table refunds (
  organization_id uuid not null,
  refund_id text not null,
  payment_id text,
  status text not null,
  location_id text,
  amount_cents bigint not null,
  currency text not null,
  created_at timestamptz(6) not null,
  updated_at timestamptz(6) not null,
  raw jsonb not null,
  order_key bytea not null,
  constraint refunds_pkey primary key (organization_id, refund_id)
);
create index refunds_payment_idx on refunds (payment_id, organization_id);

create table referral_profiles (
  organization_id uuid not null,
  square_customer_id text not null,
  referral_code text,
  used_referral_code text,
  activated_as_referrer boolean not null default false,
  activated_at timestamptz(6),
  constraint referral_profiles_pkey primary key (organization_id, square_customer_id)
);

create table referral_rewards (
  organization_id uuid not null,
  reward_id text not null,
  referrer_customer_id text not null,
  referred_customer_id text not null,
  status text not null,
  reward_cents bigint not null,
  constraint referral_rewards_pkey primary key (organization_id, reward_id)
);
create index referral_rewards_referrer_idx on referral_rewards (referrer_customer_id, organization_id);

-- Made from the column catalogue (src/analytics/columns), which a test proves equal to it.
create table customer_analytics (
  organization_id uuid not null,
  square_customer_id text not null,
  given_name text,
  family_name text,
  company_name text,
  email_address text,
  phone_number text,
  birthday text,
  creation_source text,
  customer_created_at timestamptz(6),
  total_bookings integer not null,
  total_accepted_bookings integer not null,
  total_pending_bookings integer not null,
  total_declined_bookings integer not null,
  total_cancelled_by_customer integer not null,
  total_cancelled_by_seller integer not null,
  total_no_shows integer not null,
  late_cancellations integer not null,
  first_booking_at timestamptz(6),
  last_booking_at timestamptz(6),
  last_booked_at timestamptz(6),
  cancellation_rate numeric(24,4),
  avg_lead_time_hours numeric(24,2),
  total_booked_minutes integer not null,
  avg_booking_minutes numeric(24,2),
  self_booked_bookings integer not null,
  booking_notes jsonb not null,
  notes_count integer not null,
  total_visits integer not null,
  first_visit_at timestamptz(6),
  last_visit_at timestamptz(6),
  visits_last_30d integer not null,
  visits_last_90d integer not null,
  visits_last_365d integer not null,
  upcoming_bookings integer not null,
  next_booking_at timestamptz(6),
  no_show_rate numeric(24,4),
  avg_days_between_visits numeric(24,2),
  expected_next_visit_at timestamptz(6),
  is_overdue boolean not null,
  visit_frequency text,
  prebooked_visits integer not null,
  rebooking_rate numeric(24,4),
  distinct_locations integer not null,
  preferred_location_id text,
  first_location_id text,
  last_location_id text,
  distinct_technicians integer not null,
  preferred_technician_id text,
  last_technician_id text,
  distinct_services integer not null,
  preferred_service_variation_id text,
  last_service_variation_id text,
  preferred_weekday smallint,
  preferred_hour smallint,
  total_payments integer not null,
  failed_payments integer not null,
  total_revenue_cents bigint not null,
  total_tips_cents bigint not null,
  gross_revenue_cents bigint not null,
  total_refunds integer not null,
  total_refunded_cents bigint not null,
  net_revenue_cents bigint not null,
  avg_ticket_cents bigint not null,
  max_ticket_cents bigint not null,
  first_payment_at timestamptz(6),
  last_payment_at timestamptz(6),
  last_payment_cents bigint,
  total_processing_fees_cents bigint not null,
  tip_rate numeric(24,4),
  revenue_per_visit_cents bigint not null,
  revenue_last_30d_cents bigint not null,
  revenue_last_90d_cents bigint not null,
  revenue_last_365d_cents bigint not null,
  currency text,
  other_currency_payments integer not null,
  preferred_payment_source text,
  is_referrer boolean not null,
  activated_as_referrer_at timestamptz(6),
  referral_source text,
  total_referrals integer not null,
  total_rewards_cents bigint not null,
  customer_segment text not null,
  customer_type text not null,
  refresh_due_at timestamptz(6),
  definition_version integer not null,
  created_at timestamptz(6) not null,
  updated_at timestamptz(6) not null,
  computed_at timestamptz(6) not null
);
create index customer_analytics_segment_idx on customer_analytics (organization_id, customer_segment);
create index customer_analytics_first_booking_idx on customer_analytics (organization_id, first_booking_at);
create index customer_analytics_last_visit_idx on customer_analytics (organization_id, last_visit_at desc);
create index customer_analytics_revenue_idx on customer_analytics (organization_id, total_revenue_cents desc);
create index customer_analytics_due_idx on customer_analytics (refresh_due_at) where refresh_due_at is not null;
-- Last, see above.
alter table customer_analytics
  add constraint customer_analytics_pkey primary key (organization_id, square_customer_id);

create table webhook_events (
  organization_id uuid not null,
  event_id text not null,
  merchant_id text not null,
  event_type text not null,
  status text not null,
  attempts integer not null,
  next_attempt_at timestamptz(6),
  last_error text,
  received_at timestamptz(6) not null,
  processed_at timestamptz(6),
  source text not null,
  payload jsonb not null,
  constraint webhook_events_pkey primary key (organization_id, event_id)
);
create index webhook_events_due_idx on webhook_events (next_attempt_at) where status = 'deferred';

-- Objects that an event named without carrying them: the next sweep fetches them from Square.
create table pending_fetches (
  organization_id uuid not null,
  object_type text not null,
  object_id text not null,
  requested_at timestamptz(6) not null,
  constraint pending_fetches_pkey primary key (organization_id, object_type, object_id)
);

create table application_logs (
  log_id uuid not null default gen_random_uuid(),
  organization_id uuid,
  log_type text not null,
  status text not null,
  created_at timestamptz(6) not null,
  completed_at timestamptz(6),
  duration_ms integer,
  payload jsonb not null default '{}',
  constraint application_logs_pkey primary key (log_id)
);

create view analytics_appointments_by_location_daily as
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
  select s.organization_id, s.booking_id, count(distinct s.team_member_id) as members
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

create view analytics_revenue_by_location_daily as
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
  sum(m.amount_cents)::bigint as revenue_cents,
  sum(m.tip_cents)::bigint as tips_cents,
  sum(m.total_cents)::bigint as gross_cents,
  sum(m.refunded_cents)::bigint as refunded_cents,
  (sum(m.total_cents) - sum(m.refunded_cents))::bigint as net_cents,
  sum(m.payments)::integer as payment_count,
  count(distinct m.customer_id)::integer as unique_customers
from money m
join organizations o on o.id = m.organization_id
left join locations l on l.organization_id = m.organization_id and l.square_location_id = m.location_id
group by m.organization_id, m.location_id, coalesce(l.name, m.location_id),
  local_date(m.created_at, coalesce(l.time_zone, o.time_zone)), m.currency;

-- Names beside the ids, and what is purely an age, which no stored row can hold.
create view customer_profiles as
select a.*,
  coalesce(l.name, a.preferred_location_id) as preferred_location_name,
  nullif(concat_ws(' ', t.given_name, t.family_name), '') as preferred_technician_name,
  v.name as preferred_service_name,
  floor(extract(epoch from now() - a.last_visit_at) / 86400)::integer as days_since_last_visit,
  floor(extract(epoch from now() - a.last_payment_at) / 86400)::integer as days_since_last_payment,
  ceil(extract(epoch from a.next_booking_at - now()) / 86400)::integer as days_until_next_booking
from customer_analytics a
left join locations l
  on l.organization_id = a.organization_id and l.square_location_id = a.preferred_location_id
left join team_members t
  on t.organization_id = a.organization_id and t.square_team_member_id = a.preferred_technician_id
left join service_variations v
  on v.organization_id = a.organization_id and v.square_variation_id = a.preferred_service_variation_id;

-- Recency, frequency and monetary quintiles among the organization's customers who have visited; 5 is best.
create view customer_rfm as
with scored as (
  select organization_id, square_customer_id, last_visit_at, total_visits, total_revenue_cents,
    ntile(5) over (partition by organization_id order by last_visit_at, square_customer_id collate "C") as recency,
    ntile(5) over (partition by organization_id order by total_visits, square_customer_id collate "C") as frequency,
    ntile(5) over (partition by organization_id order by total_revenue_cents, square_customer_id collate "C")
      as monetary
  from customer_analytics where total_visits > 0
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
