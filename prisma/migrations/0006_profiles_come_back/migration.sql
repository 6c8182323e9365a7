-- Copies of a profile without a version, as older API versions send them, are ordered by time, those with one by version.
-- The best of both kinds are kept: one stands in the columns, the other is kept in other_copy.
alter table customers add column other_copy jsonb;
alter table customers alter column version drop not null;

-- When Square first answered NOT_FOUND for the profile, and nothing was said of it since. A deletion with it is inferred: a
-- second answer brought it about, and no event.
alter table customers add column not_found_since timestamptz(6);
create index customers_not_found_idx on customers (organization_id, square_customer_id) where not_found_since is not null;

-- A deletion that told no version counted as one after all versions. Now it ends what was known before it in time.
-- In the order key of a copy without a version the deletion stands in the byte after the time.
update customers set version = null,
  order_key = decode(repeat('00', 9), 'hex') || substring(order_key from 10 for 8) || '\x01' || substring(order_key from 19)
where version = 9223372036854775807 and deleted_at is not null;

-- Square before 2022-10-19 wrote birthdays as 1998-09-21T00:00:00-00:00.
update customers set birthday = substring(birthday for 10) where birthday ~ '^\d{4}-\d\d-\d\dT';

-- When the source's own deletion was told: what a merge without versions is compared by.
alter table customer_merges add column ended_at timestamptz(6);

-- The latest recovery among those without a version; recovered_version is NULL when all are.
alter table customer_recoveries add column unversioned_at timestamptz(6);
alter table customer_recoveries alter column recovered_version drop not null;
