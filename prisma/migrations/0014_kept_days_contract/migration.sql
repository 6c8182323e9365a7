-- The figures of past local days, so that reports need not read the facts of a long period again and again.
--
-- Whoever changes a fact of a kept day marks that day in the same transaction. Reports read the facts of marked days.
-- Servers of earlier releases do not mark. So they must stop.

-- By which time zones an organization's days were kept. From its row on, writers mark the days that they change.
create table day_keeping (
  organization_id uuid not null,
  -- As zones_of_days answered when the keeping began.
  zones jsonb not null,
  constraint day_keeping_pkey primary key (organization_id)
);

-- Part 0 of each kept day is the whole organization, also when nothing happened. Each other part is one location.
create table kept_days (
  organization_id uuid not null,
  day date not null,
  part integer not null,
  -- NULL in part 0, and for bookings without a location.
  location_id text,
  accepted_appointments integer not null,
  pending_appointments integer not null,
  cancelled_by_customer integer not null,
  cancelled_by_seller integer not null,
  no_show_appointments integer not null,
  staff_slots integer not null,
  unique_customers integer not null,
  new_customers integer not null,
  rebooked_visits integer not null,
  -- The customers whose accepted booking before lies at most so many days back: returned[n] of them at most
  -- returned_after[n] days. So people of a longer period are counted once.
  returned_after integer[] not null,
  returned integer[] not null,
  constraint kept_days_pkey primary key (organization_id, day, part)
);

create table kept_revenue (
  organization_id uuid not null,
  day date not null,
  part integer not null,
  location_id text,
  currency text not null,
  revenue_cents bigint not null,
  tips_cents bigint not null,
  gross_cents bigint not null,
  refunded_cents bigint not null,
  net_cents bigint not null,
  payment_count integer not null,
  unique_customers integer not null,
  unassigned_revenue_cents bigint not null,
  constraint kept_revenue_pkey primary key (organization_id, day, part)
);

-- Days whose facts changed after they were kept. A day may be marked many times, so that no writer waits for another.
create table day_marks (
  organization_id uuid not null,
  day date not null,
  mark_id bigint not null generated always as identity,
  constraint day_marks_pkey primary key (organization_id, day, mark_id)
);

-- The time zones by which an organization's instants become local days: its own, and those of locations elsewhere.
create function zones_of_days(organization uuid) returns jsonb
  language sql stable parallel safe return (
    select jsonb_build_object('', o.time_zone) || coalesce((
      select jsonb_object_agg(l.square_location_id, l.time_zone) from locations l
      where l.organization_id = organization and l.time_zone <> o.time_zone
    ), '{}')
    from organizations o where o.id = organization
  );
