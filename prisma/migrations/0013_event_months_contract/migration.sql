-- Stored events lie in monthly partitions, so that a month is dropped as a whole instead of row by row.
--
-- The month is the one in which Square made the event, as the event itself says. Every delivery of an event says the
-- same, so a duplicate meets the same partition, and the claim is one index look-up as before. The time of arrival
-- would not do: a delivery and its repetition may lie on two sides of a month's end.
--
-- The table of today becomes the partition of all months up to the next one, without a copy. Its rows do not know
-- their month, so there an id is unique whatever the month. Postgres reads the table once to attach it, and builds two
-- indexes. The server makes the later months ahead (src/inbox/event-months.ts).
--
-- Servers of earlier releases name the primary key (organization_id, event_id) when they claim. So they must stop.

alter table webhook_events rename to webhook_events_earlier;
alter table webhook_events_earlier drop constraint webhook_events_pkey;
alter index webhook_events_due_idx rename to webhook_events_earlier_due_idx;
alter index webhook_events_received_idx rename to webhook_events_earlier_received_idx;
alter index webhook_events_status_idx rename to webhook_events_earlier_status_idx;
-- An event whose envelope has no time has the year 1.
alter table webhook_events_earlier add column created_month date not null default '0001-01-01';
alter table webhook_events_earlier
  add constraint webhook_events_earlier_pkey primary key (organization_id, event_id, created_month);
create unique index webhook_events_earlier_event_idx on webhook_events_earlier (organization_id, event_id);

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
  payload jsonb,
  created_month date not null default '0001-01-01',
  constraint webhook_events_pkey primary key (organization_id, event_id, created_month)
) partition by range (created_month);
create index webhook_events_due_idx on webhook_events (next_attempt_at) where status = 'deferred';
create index webhook_events_received_idx on webhook_events (received_at, organization_id, event_id);
create index webhook_events_status_idx on webhook_events (status, organization_id, received_at);

do $$
declare
  -- A stored event may be made a little later than this clock says.
  boundary date := date_trunc('month', (now() at time zone 'UTC') + interval '7 days') + interval '1 month';
  granted record;
begin
  execute format(
    'alter table webhook_events attach partition webhook_events_earlier for values from (minvalue) to (%L)', boundary);
  for granted in
    select privilege_type, case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee
    from pg_class, aclexplode(relacl) where oid = 'webhook_events_earlier'::regclass
  loop
    execute format('grant %s on webhook_events to %s', granted.privilege_type, granted.grantee);
  end loop;
end $$;

-- For a month that nobody made ahead, so that an event can be stored in any case.
create table webhook_events_unplanned partition of webhook_events default;
