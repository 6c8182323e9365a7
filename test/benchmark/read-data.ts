import { definitionVersion, isNullable } from "../../src/analytics/column.js";
import { columns } from "../../src/analytics/columns/catalogue.js";
import type { Database } from "../../src/database/database.js";
import { withoutTimeout } from "../../src/database/query.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { familyNames, givenNames } from "../../src/simulator/names.js";

export const MERCHANT = "MBENCHREAD";
export const customerId = (n: number) => `C${String(n).padStart(8, "0")}`;

const customer = "'C' || lpad(c::text, 8, '0')";
/** A number below `most` that looks random and follows from the arguments. */
const some = (seed: string, most: number) => `(hashint8(${seed})::bigint & 2147483647) % ${most}`;
const list = (texts: readonly string[]) => `(array[${texts.map((text) => `'${text}'`).join(", ")}])`;
const one = (texts: readonly string[], seed: string) => `${list(texts)}[1 + ${some(seed, texts.length)}]`;

/** 0 to 27 bookings, nine on average. A tenth of the customers have an upcoming one, within thirty days. */
const bookings = `(array[0, 1, 2, 4, 6, 8, 10, 14, 18, 27])[1 + ${some("c + 5", 10)}]`;
const gapDays = `(array[7, 14, 21, 28, 35, 42, 60, 90])[1 + ${some("c", 8)}]`;
const startAt = `date_trunc('hour', $2::timestamptz) - interval '1 day' * (
  case when b = 0 and ${some("c + 9", 10)} = 0 then -1 - ${some("c * 7 + 3", 30)} else ${some("c + 1", 700)} + b * ${gapDays} end) - interval '15 minutes' * (${some("c * 31 + b", 32)})`;

/** Inserts facts and rows of an organization. The rows hold the columns of lists and reports; the others are empty. */
export async function loadReadData(database: Database, customers: number, now: Date): Promise<string> {
  const { id } = await addOrganization(database, { merchantId: MERCHANT, name: "Benchmark" }, now);
  const client = await database.pool.connect();
  await client.query("set enable_seqscan = on; set plan_cache_mode = auto; set synchronous_commit = off");
  await client.query("set work_mem = '256MB'; set maintenance_work_mem = '512MB'");
  const run = async (what: string, sql: string, ...given: unknown[]) => {
    const started = performance.now();
    await client.query(withoutTimeout(sql, sql.includes("$1") ? [id, ...given] : []));
    process.stderr.write(`  ${what}: ${((performance.now() - started) / 1_000).toFixed(1)} s\n`);
  };
  // The indexes are made again afterwards. Keeping them during the inserts takes several times as long.
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where schemaname = current_schema() and tablename in ('customers', 'bookings', 'payments', 'customer_analytics')
       and indexname not like '%pkey'`,
  );
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  await run(
    "locations",
    `insert into locations (organization_id, square_location_id, name, time_zone, status)
     select $1, 'L' || n, 'Location ' || n, (array['America/Los_Angeles', 'America/New_York'])[1 + n % 2], 'ACTIVE'
     from generate_series(0, 19) n`,
  );
  await run(
    "team",
    `insert into team_members (organization_id, square_team_member_id, given_name, status, order_key)
     select $1, 'T' || n, 'Technician ' || n, 'ACTIVE', '\\x01' from generate_series(0, 239) n`,
  );
  await run(
    "services",
    `insert into service_variations (organization_id, square_variation_id, name, price_cents, currency)
     select $1, 'S' || n, 'Service ' || n, 4000 + 100 * n, 'USD' from generate_series(0, 39) n`,
  );
  await run(
    "customers",
    `insert into customers (organization_id, square_customer_id, version, given_name, family_name, email_address, phone_number,
       birthday, created_at, updated_at, order_key)
     select $1, ${customer}, 1, ${one(givenNames, "c")}, ${one(familyNames, "c * 7")} || substr(md5(c::text), 1, 2),
       'client' || c || '@example.com', '+1 555 ' || lpad(c::text, 7, '0'),
       case when c % 3 > 0 then '0000-' || lpad((1 + ${some("c + 13", 12)})::text, 2, '0') || '-11' end, $3::timestamptz - interval '900 days', $3, '\\x01'
     from generate_series(1, $2::integer) c`,
    customers,
    now,
  );
  await run(
    "bookings",
    `insert into bookings (organization_id, booking_id, version, status, customer_id, reported_customer_id, location_id, start_at,
       created_at, updated_at, duration_minutes, creator_type, raw, order_key)
     select $1, 'B' || lpad(c::text, 8, '0') || '-' || b, 0,
       case when b % 11 = 5 then 'CANCELLED_BY_CUSTOMER' when b % 13 = 7 then 'NO_SHOW' else 'ACCEPTED' end,
       ${customer}, ${customer}, 'L' || ${some("c + 11", 20)}, start_at, start_at - interval '6 days', start_at - interval '6 days', 45,
       'CUSTOMER', '{}', '\\x01'
     from generate_series(1, $3::integer) c
     cross join lateral generate_series(0, ${bookings} - 1) b
     cross join lateral (select ${startAt} as start_at) s
     -- As they come in, so that a period's lie together.
     order by start_at`,
    now,
    customers,
  );
  await run(
    "segments",
    `insert into booking_segments (organization_id, booking_id, segment_index, team_member_id, service_variation_id, duration_minutes)
     select organization_id, booking_id, 0, 'T' || ${some("hashtext(customer_id)::bigint", 240)},
       'S' || ${some("hashtext(booking_id)::bigint", 40)}, 45
     from bookings where organization_id = $1`,
  );
  await run(
    "payments",
    `insert into payments (organization_id, payment_id, status, customer_id, reported_customer_id, location_id, amount_cents,
       tip_cents, total_cents, processing_fee_cents, currency, source_type, created_at, updated_at, raw, order_key)
     select organization_id, 'P' || booking_id, 'COMPLETED', customer_id, customer_id, location_id, cents, 500, cents + 500, 160,
       'USD', 'CARD', start_at + interval '1 hour', start_at + interval '1 hour', '{}', '\\x01'
     from bookings
     cross join lateral (select 3000 + 100 * (${some("hashtext(booking_id)::bigint", 120)}) as cents) c
     where organization_id = $1 and status = 'ACCEPTED' and start_at < $2 and ${some("hashtext(booking_id || 'p')::bigint", 100)} < 78`,
    now,
  );
  await run(
    "refunds",
    `insert into refunds (organization_id, refund_id, payment_id, status, location_id, amount_cents, currency, created_at, updated_at,
       raw, order_key)
     select organization_id, 'R' || payment_id, payment_id, 'COMPLETED', location_id, 1000, 'USD', created_at, created_at, '{}', '\\x01'
     from payments where organization_id = $1 and ${some("hashtext(payment_id)::bigint", 50)} = 0`,
  );
  await run("rows", rowsText(), now);
  for (const { name, definition } of indexes) await run(name, definition);
  await run("vacuum", "vacuum analyze");
  client.release(true);
  return id;
}

/** The columns of a row that lists and reports use. */
const values: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["given_name", "family_name", "email_address", "phone_number", "birthday"].map((name) => [
      name,
      `p.${name}`,
    ]),
  ),
  customer_created_at: "p.created_at",
  total_bookings: "coalesce(bookings, 0)",
  total_accepted_bookings: "coalesce(accepted, 0)",
  first_booking_at: "first_booking_at",
  last_booking_at: "last_booking_at",
  total_visits: "coalesce(visits, 0)",
  visit_days: "coalesce(visits, 0)",
  first_visit_at: "first_visit_at",
  last_visit_at: "last_visit_at",
  upcoming_bookings: "coalesce(upcoming, 0)",
  next_booking_at: "next_booking_at",
  overdue_at: "overdue_at",
  is_overdue: "coalesce(upcoming = 0 and overdue_at <= $2, false)",
  visit_frequency: `case when gap <= interval '10 days' then 'WEEKLY' when gap <= interval '21 days' then 'BIWEEKLY'
    when gap <= interval '45 days' then 'MONTHLY' when gap <= interval '75 days' then 'BIMONTHLY'
    when gap is not null then 'OCCASIONAL' end`,
  first_location_id: "location_id",
  preferred_location_id: "location_id",
  preferred_technician_id: `'T' || ${some("hashtext(p.square_customer_id)::bigint", 240)}`,
  preferred_service_variation_id: `'S' || ${some("hashtext(p.square_customer_id || 's')::bigint", 40)}`,
  total_payments: "coalesce(payments, 0)",
  total_revenue_cents: "coalesce(revenue, 0)",
  gross_revenue_cents: "coalesce(revenue + tips, 0)",
  net_revenue_cents: "coalesce(revenue + tips, 0)",
  avg_ticket_cents: "coalesce(round(revenue / nullif(payments, 0)), 0)",
  currency: "'USD'",
  customer_segment: `case when first_visit_at is null then 'NEVER_VISITED' when first_visit_at > $2 - interval '30 days' then 'NEW'
    when last_visit_at > $2 - interval '42 days' then 'ACTIVE' when last_visit_at > $2 - interval '90 days' then 'AT_RISK'
    else 'LOST' end`,
  customer_type:
    "case when accepted > 0 then 'SERVICE_CLIENT' when bookings > 0 then 'CANCELLED_ONLY' else 'POTENTIAL' end",
};

function rowsText(): string {
  const empty = { text: "''", jsonb: "'[]'::jsonb", boolean: "false" } as Record<string, string>;
  const filled = columns.filter((column) => values[column.name] !== undefined || !isNullable(column));
  return `
    insert into customer_analytics (organization_id, square_customer_id, ${filled.map(({ name }) => name).join(", ")},
      refresh_due_at, definition_version, created_at, updated_at, computed_at)
    select $1, p.square_customer_id,
      ${filled.map(({ name, type }) => values[name] ?? empty[type] ?? "0").join(",\n      ")},
      $2::timestamptz + interval '1 hour' + interval '1 minute' * (${some("hashtext(p.square_customer_id)::bigint", 40_000)}),
      ${definitionVersion}, $2, $2, $2
    from customers p
    left join (
      select b.*, last_visit_at + 1.5 * gap as overdue_at from (
        select customer_id, min(location_id) as location_id, count(*)::integer as bookings,
          (count(*) filter (where status = 'ACCEPTED'))::integer as accepted,
          (count(*) filter (where status = 'ACCEPTED' and start_at <= $2))::integer as visits,
          (count(*) filter (where status = 'ACCEPTED' and start_at > $2))::integer as upcoming,
          min(start_at) filter (where status = 'ACCEPTED') as first_booking_at,
          max(start_at) filter (where status = 'ACCEPTED') as last_booking_at,
          min(start_at) filter (where status = 'ACCEPTED' and start_at <= $2) as first_visit_at,
          max(start_at) filter (where status = 'ACCEPTED' and start_at <= $2) as last_visit_at,
          min(start_at) filter (where status = 'ACCEPTED' and start_at > $2) as next_booking_at,
          (max(start_at) filter (where status = 'ACCEPTED' and start_at <= $2)
            - min(start_at) filter (where status = 'ACCEPTED' and start_at <= $2))
            / nullif((count(*) filter (where status = 'ACCEPTED' and start_at <= $2)) - 1, 0) as gap
        from bookings where organization_id = $1 group by customer_id
      ) b
    ) b on b.customer_id = p.square_customer_id
    left join (
      select customer_id, count(*)::integer as payments, sum(amount_cents) as revenue, sum(tip_cents) as tips
      from payments where organization_id = $1 group by customer_id
    ) y on y.customer_id = p.square_customer_id
    where p.organization_id = $1`;
}
