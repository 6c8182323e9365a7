-- What the list of customers is filtered, searched and sorted by. Definitions of version 3: overdue_at.

alter table customer_analytics add column overdue_at timestamptz(6);

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
  a.visit_days, a.gift_card_redeemed_cents, a.overdue_at
from customer_analytics a
left join locations l
  on l.organization_id = a.organization_id and l.square_location_id = a.preferred_location_id
left join team_members t
  on t.organization_id = a.organization_id and t.square_team_member_id = a.preferred_technician_id
left join service_variations v
  on v.organization_id = a.organization_id and v.square_variation_id = a.preferred_service_variation_id;

-- Text as it is compared with other text: without case and accents, whatever the database's locale. Of a long text its beginning.
create function folded_text(shown text) returns text language sql immutable parallel safe return
  lower(regexp_replace(normalize(left(shown, 1000), NFKD), '[\u0300-\u036f]', '', 'g'));

-- What customers are sorted by as `name`: the name, or the company's; NULL without either. An index holds no longer key.
create function customer_name(given_name text, family_name text, company_name text) returns text
  language sql immutable parallel safe return
  nullif(left(btrim(folded_text(coalesce(
    nullif(btrim(coalesce(given_name, '') || ' ' || coalesce(family_name, '')), ''), company_name
  ))), 200), '');

-- The words of a name with a space between them. What stands between them otherwise is what no alphabet has. An index holds no
-- longer word.
create function words_of(name text) returns text language sql immutable parallel safe return
  regexp_replace(btrim(regexp_replace(
    folded_text(name), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'
  )), '(\S{100})\S+', '\1', 'g');

create function digits_of(phone_number text) returns text language sql immutable parallel safe return
  right(regexp_replace(phone_number, '[^0-9]', '', 'g'), 40);

-- What a customer is found by: each word of a name after `n`, the e-mail address after `e`, the phone number's digits after `p`, from
-- the last one on. All begin with the organization, so that one's names do not slow another's search. In plpgsql, which keeps its
-- plans: as one SQL expression with subqueries it takes ten times as long.
create function customer_search(
  organization_id uuid, given_name text, family_name text, company_name text, email_address text, phone_number text
) returns tsvector language plpgsql immutable parallel safe as $$
declare
  organization text := left(organization_id::text, 8);
  words text := words_of(left(coalesce(given_name, ''), 300) || ' ' || left(coalesce(family_name, ''), 300) || ' '
    || left(coalesce(company_name, ''), 300));
  digits text := digits_of(phone_number);
  lexemes text[] := '{}';
begin
  if words <> '' then
    lexemes := string_to_array('n' || organization || replace(words, ' ', ' n' || organization), ' ');
  end if;
  if email_address <> '' then
    lexemes := lexemes || ('e' || organization || left(btrim(folded_text(email_address)), 200));
  end if;
  if digits <> '' then
    lexemes := lexemes || ('p' || organization || reverse(digits));
  end if;
  return array_to_tsvector(lexemes);
end $$;

-- A lexeme that is sought by its beginning.
create function search_beginning(lexeme text) returns text language sql immutable parallel safe return
  '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''':*';

-- All words of a name, or the beginning of an e-mail address, or four or more last digits of a phone number; NULL for what is none
-- of them.
create function customer_search_query(organization_id uuid, sought text) returns tsquery
  language sql immutable parallel safe return (
    select string_agg(part, ' | ')::tsquery from (
      select '(' || string_agg(search_beginning('n' || left(organization_id::text, 8) || word), ' & ') || ')' as part
      from unnest(string_to_array(words_of(sought), ' ')) as word where word <> ''
      union all
      select search_beginning('e' || left(organization_id::text, 8) || left(btrim(folded_text(sought)), 200))
      where btrim(sought) ~ '^\S+$'
      union all
      select search_beginning('p' || left(organization_id::text, 8) || reverse(digits_of(sought)))
      where sought ~ '^[0-9 ().+-]+$' and length(digits_of(sought)) >= 4
    ) as parts where part is not null
  );

-- Beside the profile and not in customer_analytics: it is written when the profile changes, and not with every booking.
alter table customers add column search tsvector generated always as (
  customer_search(organization_id, given_name, family_name, company_name, email_address, phone_number)
) stored;
create index customers_search_idx on customers using gin (search) with (fastupdate = off);

-- One for each order of the list that had none. Where most customers have no value, only of those who have one.
create index customer_analytics_name_idx
  on customer_analytics (organization_id, customer_name(given_name, family_name, company_name), square_customer_id);
create index customer_analytics_visits_idx
  on customer_analytics (organization_id, total_visits, square_customer_id);
create index customer_analytics_revenue_order_idx
  on customer_analytics (organization_id, total_revenue_cents, square_customer_id);
create index customer_analytics_net_revenue_idx
  on customer_analytics (organization_id, net_revenue_cents, square_customer_id);
create index customer_analytics_ticket_idx
  on customer_analytics (organization_id, avg_ticket_cents, square_customer_id);
create index customer_analytics_next_booking_idx
  on customer_analytics (organization_id, next_booking_at, square_customer_id) where next_booking_at is not null;
create index customer_analytics_overdue_idx
  on customer_analytics (organization_id, overdue_at, square_customer_id) where overdue_at is not null;
-- Made anew to stay the newest, which a plan that is made on an empty table takes (see 0001).
alter table customer_analytics drop constraint customer_analytics_pkey;
alter table customer_analytics add constraint customer_analytics_pkey primary key (organization_id, square_customer_id);
