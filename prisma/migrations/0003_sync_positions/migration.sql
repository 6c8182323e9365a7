-- How far reconciliation has come, one row for each task of an organization: the watermark of a pull, the cursor of a
-- backfill's window, the last customer of a check. Whoever is killed goes on from here.
create table sync_positions (
  organization_id uuid not null,
  task text not null,
  position jsonb not null,
  updated_at timestamptz(6) not null,
  constraint sync_positions_pkey primary key (organization_id, task)
);

-- The last sweeps, for the status page, for the next sweep, and to drop what is older than 90 days.
create index application_logs_type_idx on application_logs (log_type, created_at desc);
