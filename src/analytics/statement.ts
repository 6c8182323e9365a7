import { type DerivedColumn, definitionVersion } from "./column.js";
import { columns } from "./columns/catalogue.js";
import { instants } from "./columns/instants.js";
import { relations } from "./relations.js";
import { segmentPeriods } from "./rules.js";
import { countedValues, totals } from "./totals.js";

/**
 * The one statement that computes and stores `customer_analytics` rows, assembled from the column catalogue. The
 * webhook, the recompute endpoint, the full refresh and the drift check all run it.
 *
 * Parameters: $1 organization uuid, $2 customer ids text[], $3 the instant of computation timestamptz.
 *
 * It reads only rows of those customers, and each table by an index. Every table is restricted to the organization.
 * Values come from facts and never from the stored row. A row without changes is not written. A customer who should
 * have no row loses it.
 */

/** Columns about the row itself. In the table they follow the catalogue's columns. */
export const bookkeepingColumns = [
  "refresh_due_at",
  "definition_version",
  "created_at",
  "updated_at",
  "computed_at",
] as const;

const profileColumns = columns.filter((column) => column.from === "profile");
const valueNames = columns.map((column) => column.name);
/** The computed columns. A row is rewritten when one of them differs. */
const computedNames = [...valueNames, "refresh_due_at", "definition_version"];

/** A comma-separated list. */
function list(items: readonly string[]): string {
  return items.join(",\n      ");
}

function derived({ name, type, formula }: DerivedColumn): string {
  return `(${formula})::${type} as ${name}`;
}

/** The settings of the organization, which are the same for all of its customers. */
export const organization = `
  organization as (
    select id, currency, time_zone,
      ${segmentPeriods}
    from organizations where id = $1
  )`;

const target = `
  -- A merged id has no row of its own.
  target as (
    select customer_id from unnest($2::text[]) as t (customer_id)
    where (select to_customer_id from customer_aliases
      where organization_id = $1 and from_customer_id = t.customer_id) is null
  )`;

const computation = `
  -- Customer by customer. So the plan for one customer depends neither on the number of customers, nor on the size of
  -- the organization, nor on the planner's statistics.
  gathered as (
    select target.customer_id, o.new_for, o.active_for, o.at_risk_for, computed.*
    from target
    cross join organization o
    cross join lateral (${relations}
      select (profile.square_customer_id is not null and profile.deleted_at is null)
          or exists (select from booking) or exists (select from paid) or exists (select from referral) as eligible,
        ${list(profileColumns.map(({ name, field }) => `profile.${field} as ${name}`))},
        ${list(countedValues())}
      from ${totals()}
      left join lateral (
        select * from customers where organization_id = $1 and square_customer_id = target.customer_id offset 0
      ) as profile on true
    ) as computed
    where eligible
  ),
  -- A second step, because derived columns read gathered columns. They never read other derived columns.
  fresh as (
    select $1::uuid as organization_id, customer_id as square_customer_id,
      ${list(columns.map((column) => (column.from === "columns" ? derived(column) : column.name)))},
      least(
        ${list(Object.entries(instants).map(([name, instant]) => (instant.from === "columns" ? instant.formula : name)))}
      ) as refresh_due_at,
      ${definitionVersion} as definition_version
    from gathered
  )`;

const storing = `
  -- The customers' locks keep the stored rows unchanged after this read. \`updated_at\` is the last change of a value. A
  -- change of only definition_version or refresh_due_at does not move it.
  changed as (
    select fresh.*, case when is_new or columns <> '' then :now else stored_updated_at end as updated_at
    from (
      select fresh.*, stored.updated_at as stored_updated_at,
        stored.square_customer_id is null as is_new,
        concat_ws(' ',
          ${valueNames.map((name) => `case when stored.${name} is distinct from fresh.${name} then '${name}' end`).join(",\n          ")}
        ) as columns,
        stored.refresh_due_at as stored_due_at, stored.definition_version as stored_version
      from fresh
      left join lateral (
        select * from customer_analytics
        where organization_id = $1 and square_customer_id = fresh.square_customer_id offset 0
      ) as stored on true
      offset 0
    ) as fresh
    where is_new or columns <> '' or (stored_due_at, stored_version) is distinct from (refresh_due_at, definition_version)
  ),
  written as (
    insert into customer_analytics (
      organization_id, square_customer_id,
      ${list(computedNames)},
      created_at, updated_at, computed_at
    )
    select organization_id, square_customer_id,
      ${list(computedNames)},
      :now, updated_at, :now
    from changed
    on conflict (organization_id, square_customer_id) do update set
      ${list([...computedNames, "updated_at", "computed_at"].map((name) => `${name} = excluded.${name}`))}
  ),
  -- The rows are found by key and deleted by ctid. The customers' locks keep both stable.
  deleted as (
    delete from customer_analytics where ctid = any (array(
      select stored.ctid
      from unnest($2::text[]) as t (customer_id)
      cross join lateral (
        select ctid, square_customer_id from customer_analytics
        where organization_id = $1 and square_customer_id = t.customer_id offset 0
      ) as stored
      where stored.square_customer_id not in (select square_customer_id from fresh)
    ))
    returning square_customer_id
  )
  select square_customer_id, 'written' as outcome, columns from changed
  union all
  select square_customer_id, 'deleted', '' from deleted`;

/** The instant of computation is the third parameter. */
export const withNow = (sql: string) => sql.replaceAll(":now", "$3::timestamptz");

const computeFresh = `with ${[organization, target, computation].map((part) => part.trim()).join(",\n  ")}`;

/** Computes and stores. Returns one row for every customer whose row was written, with the value columns that changed, or deleted. */
export const recomputeStatement = withNow(`${computeFresh},\n  ${storing.trim()}\n`);

/** Computes without storing. The drift check runs it. */
export const computeStatement = withNow(`${computeFresh}\n  select * from fresh\n`);
