import { type Column, definitionVersion, type Source } from "./column.js";
import { columns } from "./columns/catalogue.js";
import { instants } from "./columns/instants.js";

/**
 * The one statement that computes and stores `customer_analytics` rows (contract section 5), assembled from the
 * column catalogue. The webhook, the recompute endpoint, the full refresh and the drift check all run it.
 *
 * Parameters: $1 organization uuid, $2 customer ids text[], $3 the instant of computation timestamptz.
 *
 * It reads only rows of those customers, each table by an index that begins with organization_id, which is bound
 * on every table so that one shard can answer. Values come from facts alone, never from the stored row. A row that
 * would not change is not written; a customer who should have no row loses it.
 */

/** Columns kept about the row itself, in table order after the catalogue's. */
export const bookkeepingColumns = [
  "refresh_due_at",
  "definition_version",
  "created_at",
  "updated_at",
  "computed_at",
] as const;

const instantNames = Object.keys(instants) as (keyof typeof instants)[];
const valueNames = columns.map((column) => column.name);
/** A row is rewritten when any of these differs. */
const comparedNames = [...valueNames, "refresh_due_at", "definition_version"];

function list(items: readonly string[], separator = ",\n      "): string {
  return items.join(separator);
}

function columnsFrom(source: Source): readonly Column[] {
  return columns.filter((column) => column.from === source);
}

function instantsFrom(source: "booking" | "payment" | "row") {
  return instantNames.filter((name) => instants[name].from === source);
}

/** `select customer_id, <every column computed from these rows> from <rows> group by customer_id`. */
function totals(
  source: "booking" | "rebooking" | "segment" | "payment" | "refund" | "referral" | "reward",
): string {
  const due = source === "booking" || source === "payment" ? instantsFrom(source) : [];
  return `${source}_totals as (
    select customer_id,
      ${list([
        ...columnsFrom(source).map(({ sql, name }) => `${sql} as ${name}`),
        ...due.map((name) => `${instants[name].sql} as ${name}`),
      ])}
    from ${source} group by customer_id
  )`;
}

/** Every use of a value that a mode column counts, one row each. */
function usages(): string {
  return columnsFrom("usage")
    .map(({ name, sql, usage }) => {
      if (!usage) throw new Error(`mode column ${name} does not say which rows it counts`);
      return `select customer_id, '${name}' as column_name, ${sql} as value, ${usage.usedAt} as used_at
    from ${usage.rows} where ${usage.where}`;
    })
    .join("\n    union all\n    ");
}

function modes(): string {
  return list(
    columnsFrom("usage").map(
      ({ name, type }) =>
        `max(value) filter (where column_name = '${name}')${type === "text" ? "" : `::${type}`} as ${name}`,
    ),
  );
}

/** The gathered columns, each cast to its type and with its value for a customer without such rows. */
function gathered(): string {
  return list(
    columns
      .filter(({ from }) => from !== "row")
      .map(({ name, type, from, sql, empty }) => {
        if (from === "profile") return `profile.${sql} as ${name}`;
        return `${empty === undefined ? name : `coalesce(${name}, ${empty})`}::${type} as ${name}`;
      }),
  );
}

const relations = `
  organization as (
    select id, currency, time_zone,
      make_interval(hours => 24 * segment_days(settings, 'new', 30)) as new_for,
      make_interval(hours => 24 * segment_days(settings, 'active', 42)) as active_for,
      make_interval(hours => 24 * segment_days(settings, 'at_risk', 90)) as at_risk_for
    from organizations where id = $1
  ),
  target as (
    select square_customer_id as customer_id from unnest($2::text[]) as t (square_customer_id)
    where not exists (
      select from customer_aliases a where a.organization_id = $1 and a.from_customer_id = t.square_customer_id
    )
  ),
  member as (
    select customer_id, customer_id as member_id from target
    union all
    select to_customer_id, from_customer_id from customer_aliases
    where organization_id = $1 and to_customer_id = any ($2)
  ),
  booking as (
    select b.customer_id, b.booking_id, b.status, b.start_at, b.created_at, b.updated_at, b.duration_minutes,
      b.location_id, b.creator_type, b.customer_note, b.seller_note,
      s.team_member_id as technician_id, s.service_variation_id as first_service_id,
      b.status = 'ACCEPTED' as accepted,
      b.status = 'ACCEPTED' and b.start_at <= :now as visit,
      b.status in ('ACCEPTED', 'PENDING') and b.start_at > :now as upcoming,
      b.customer_note is not null or b.seller_note is not null as noted,
      local_time(b.start_at, coalesce(l.time_zone, o.time_zone)) as local_start
    from bookings b
    cross join organization o
    left join locations l on l.organization_id = $1 and l.square_location_id = b.location_id
    left join booking_segments s on s.organization_id = $1 and s.booking_id = b.booking_id and s.segment_index = 0
    where b.organization_id = $1 and b.customer_id = any ($2)
  ),
  segment as (
    select b.customer_id, b.start_at, s.team_member_id, s.service_variation_id
    from booking b
    join booking_segments s on s.organization_id = $1 and s.booking_id = b.booking_id
    where b.accepted
  ),
  -- For every visit, the latest start among the standing bookings made within 24 hours of its start. One sorted
  -- pass: joining bookings with bookings would be quadratic for a customer with thousands of them.
  rebooking as (
    select customer_id, is_visit, at, max(start_at) over (
        partition by customer_id order by at range between current row and interval '23:59:59.999999' following
      ) as later_start_at
    from (
      select customer_id, true as is_visit, start_at as at, null::timestamptz as start_at from booking where visit
      union all
      select customer_id, false, created_at, start_at from booking
      where status not in ('CANCELLED_BY_CUSTOMER', 'CANCELLED_BY_SELLER', 'DECLINED')
    ) as moment
  ),
  paid as (
    select customer_id, payment_id, status, amount_cents, tip_cents, total_cents, processing_fee_cents, currency,
      source_type, created_at, status = 'COMPLETED' as completed
    from payments where organization_id = $1 and customer_id = any ($2)
  ),
  main_currency as (
    select distinct on (customer_id) customer_id, paid.currency
    from paid cross join organization o
    where completed
    group by customer_id, paid.currency, o.currency
    order by customer_id, count(*) desc, paid.currency is not distinct from o.currency desc, paid.currency collate "C"
  ),
  payment as (
    select paid.*, completed and paid.currency = m.currency as main
    from paid left join main_currency m using (customer_id)
  ),
  refund as (
    select payment.customer_id, r.refund_id, r.amount_cents
    from payment
    cross join organization o
    left join main_currency m using (customer_id)
    join refunds r on r.organization_id = $1 and r.payment_id = payment.payment_id
    where r.status = 'COMPLETED' and r.currency = coalesce(m.currency, o.currency)
  ),
  referral as (
    select m.customer_id, m.member_id, r.used_referral_code, r.activated_as_referrer, r.activated_at
    from member m
    join referral_profiles r on r.organization_id = $1 and r.square_customer_id = m.member_id
  ),
  reward as (
    select m.customer_id, r.referred_customer_id, r.status, r.reward_cents
    from member m
    join referral_rewards r on r.organization_id = $1 and r.referrer_customer_id = m.member_id
  ),
  usage as (
    ${usages()}
  ),
  usage_totals as (
    select customer_id,
      ${modes()}
    from (
      select distinct on (customer_id, column_name) customer_id, column_name, value
      from usage where value is not null
      group by customer_id, column_name, value
      order by customer_id, column_name, count(*) desc, max(used_at) desc, value collate "C"
    ) as mode
    group by customer_id
  )`;

const computation = `
  gathered as (
    select customer_id, o.new_for, o.active_for, o.at_risk_for,
      coalesce(main_currency.currency, o.currency) as main_currency,
      ${list([...instantsFrom("booking"), ...instantsFrom("payment")])},
      ${gathered()}
    from target
    cross join organization o
    left join customers profile on profile.organization_id = $1 and profile.square_customer_id = customer_id
    left join booking_totals using (customer_id)
    left join rebooking_totals using (customer_id)
    left join segment_totals using (customer_id)
    left join payment_totals using (customer_id)
    left join main_currency using (customer_id)
    left join refund_totals using (customer_id)
    left join referral_totals using (customer_id)
    left join reward_totals using (customer_id)
    left join usage_totals using (customer_id)
    where (profile.square_customer_id is not null and profile.deleted_at is null)
      or booking_totals.customer_id is not null
      or payment_totals.customer_id is not null
      or referral_totals.customer_id is not null
  ),
  -- Two steps, because a row column may use any gathered one and other row columns may not.
  fresh as (
    select $1::uuid as organization_id, customer_id as square_customer_id,
      ${list(columns.map(({ name, type, from, sql }) => (from === "row" ? `(${sql})::${type} as ${name}` : name)))},
      least(
        ${list(
          instantNames.map((name) => (instants[name].from === "row" ? instants[name].sql : name)),
          ",\n        ",
        )}
      ) as refresh_due_at,
      ${definitionVersion} as definition_version
    from gathered
  )`;

const storing = `
  changed as (
    select fresh.*
    from fresh
    left join customer_analytics stored using (organization_id, square_customer_id)
    where stored.square_customer_id is null
      or (${list(comparedNames.map((name) => `stored.${name}`))})
        is distinct from
        (${list(comparedNames.map((name) => `fresh.${name}`))})
  ),
  written as (
    insert into customer_analytics as stored (
      organization_id, square_customer_id,
      ${list(comparedNames)},
      created_at, updated_at, computed_at
    )
    select organization_id, square_customer_id,
      ${list(comparedNames)},
      :now, :now, :now
    from changed
    on conflict (organization_id, square_customer_id) do update set
      ${list(comparedNames.map((name) => `${name} = excluded.${name}`))},
      updated_at = case when
        (${list(valueNames.map((name) => `stored.${name}`))})
        is distinct from
        (${list(valueNames.map((name) => `excluded.${name}`))})
        then excluded.updated_at else stored.updated_at end,
      computed_at = excluded.computed_at
    returning square_customer_id
  ),
  deleted as (
    delete from customer_analytics stored
    where organization_id = $1 and square_customer_id = any ($2)
      -- "not in" is answered from one hash table; a join planned for few customers would be a nested loop.
      and square_customer_id not in (select square_customer_id from fresh)
    returning square_customer_id
  )
  select square_customer_id, 'written' as outcome from written
  union all
  select square_customer_id, 'deleted' from deleted`;

const withNow = (sql: string) => sql.replaceAll(":now", "$3::timestamptz");

const computeFresh = `with ${[
  relations.trim(),
  totals("booking"),
  totals("rebooking"),
  totals("segment"),
  totals("payment"),
  totals("refund"),
  totals("referral"),
  totals("reward"),
  computation.trim(),
].join(",\n  ")}`;

/** Computes and stores; answers one row for every customer whose row was written or deleted. */
export const recomputeStatement = withNow(`${computeFresh},\n  ${storing.trim()}\n`);

/** Computes without storing: the same definitions, for the drift check. */
export const computeStatement = withNow(`${computeFresh}\n  select * from fresh\n`);
