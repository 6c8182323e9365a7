import type pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { customersInKeyOrder, dueCustomers } from "../../src/analytics/refresh.js";
import type { Database } from "../../src/database/database.js";
import { recomputeCameDue } from "../../src/drift/due.js";
import { readStatus } from "../../src/operations/status.js";
import { dropOld } from "../../src/sweep/retention.js";
import { addSalon } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { contextAt, sweepAt } from "../support/sweeping.js";

// Statements that read whole tables in parts use these indexes, even in tables that are not analyzed yet.

const NOW = new Date("2026-06-01T12:00:00Z");
const CUSTOMERS = 2_000;
const database = await openTestDatabase();
let organizationId: string;

beforeAll(async () => {
  // Autovacuum would analyze them in the middle of the test.
  await database.pool.query(`
    do $$ declare name regclass; begin
      for name in select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
        execute format('alter table %s set (autovacuum_enabled = false)', name);
      end loop;
    end $$`);
  for (const merchant of ["M-1", "M-2"]) {
    organizationId = await addSalon(database, merchant);
    const fill = (sql: string) => database.pool.query(sql, [organizationId, CUSTOMERS]);
    const customer = "'C' || lpad(c::text, 6, '0')";
    await fill(`insert into customers (organization_id, square_customer_id, version, order_key)
      select $1::uuid, ${customer}, 1, '\\x01' from generate_series(1, $2::int) c`);
    await fill(`insert into bookings (organization_id, booking_id, version, status, customer_id, start_at, created_at,
        updated_at, duration_minutes, raw, order_key)
      select $1::uuid, 'B' || c || '-' || n, 0, 'ACCEPTED', ${customer}, '2026-05-01', '2026-04-01', '2026-04-01', 60,
        jsonb_build_object('note', repeat('x', 500)), '\\x01'
      from generate_series(1, $2::int) c, generate_series(1, 3) n`);
    await fill(`insert into payments (organization_id, payment_id, status, customer_id, amount_cents, tip_cents, total_cents,
        processing_fee_cents, currency, created_at, updated_at, raw, order_key)
      select $1::uuid, 'P' || c || '-' || n, 'COMPLETED', ${customer}, 1, 0, 1, 0, 'USD', '2026-05-01', '2026-05-01',
        jsonb_build_object('note', repeat('x', 500)), '\\x01'
      from generate_series(1, $2::int) c, generate_series(1, 2) n`);
    await fill(`insert into webhook_events (organization_id, event_id, merchant_id, event_type, status, attempts, received_at,
        source, payload)
      select $1::uuid, 'E' || n, 'M', 'booking.updated', 'processed', 1, '2026-06-01'::timestamptz - n * interval '1 minute',
        'webhook', jsonb_build_object('note', repeat('x', 500))
      from generate_series(1, $2::int * 10) n`);
  }
  await sweepAt(database, NOW, "full");
});

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly Node[];
}

const large = ["customers", "bookings", "payments", "webhook_events", "customer_analytics"];

/** For every statement of the work: the indexes of its plan, and whether it scans a large table. */
async function indexesOf(
  work: (database: Database) => Promise<unknown>,
): Promise<[text: string, indexes: string[]][]> {
  const indexes: [string, string[]][] = [];
  // The indexes of partitions, by the names that the partitioned table's indexes have.
  const { rows: inherited } = await database.pool.query<{ part: string; whole: string }>(
    "select inhrelid::regclass::text as part, inhparent::regclass::text as whole from pg_inherits",
  );
  const wholes = new Map(inherited.map(({ part, whole }) => [part, whole]));
  // A separate connection with the program's settings.
  const client = await database.pool.connect();
  const run = client.query.bind(client) as (config: pg.QueryConfig) => Promise<pg.QueryResult>;
  const recording = {
    query: async ({ text, values = [] }: pg.QueryConfig) => {
      const name = text.replaceAll(/\s+/g, " ").trim();
      const { rows } = await run({ text: `explain (format json) ${text}`, values });
      const used = scansIn(rows[0]["QUERY PLAN"][0].Plan).map((index) => wholes.get(index) ?? index);
      indexes.push([name, [...new Set(used)].sort()]);
      return run({ text, values });
    },
  };
  try {
    await work({ ...database, pool: recording as unknown as pg.Pool });
  } finally {
    client.release();
  }
  return indexes;
}

function scansIn(node: Node): string[] {
  const index = node["Index Name"];
  const table = node["Node Type"] === "Seq Scan" ? node["Relation Name"] : undefined;
  return [
    ...(index === undefined ? [] : [index]),
    ...(table !== undefined && large.some((each) => table.startsWith(each)) ? [`all of ${table}`] : []),
    ...(node.Plans ?? []).flatMap(scansIn),
  ];
}

test("the status reads events by index, and few of their rows", async () => {
  const indexes = (await indexesOf((on) => readStatus(on.pool, NOW))).map(([, each]) => each);
  expect(indexes).toEqual([
    ["application_logs_type_idx"],
    ["webhook_events_status_idx"],
    ["webhook_events_due_idx"],
    ["webhook_events_status_idx"],
    ["webhook_events_status_idx"],
    ["customer_analytics_due_idx"],
    ["pending_fetches_pkey", "sync_positions_pkey", "webhook_events_status_idx"],
    ["bookings_start_idx", "locations_pkey", "organizations_pkey", "payments_created_idx"],
  ]);
});

test("due rows are found by their index", async () => {
  const [first] = await indexesOf((on) => recomputeCameDue(contextAt(on, () => NOW)));
  expect(first?.[1]).toEqual(["customer_analytics_due_idx"]);
});

test("customers are read in key order by indexes", async () => {
  const indexes = await indexesOf(async ({ pool }) => {
    await customersInKeyOrder(pool, organizationId, "C000500", 250);
    await dueCustomers(pool, organizationId, "C000500", 250, NOW);
  });
  expect(indexes.map(([, each]) => each)).toEqual([
    [
      "bookings_customer_idx",
      "customer_aliases_pkey",
      "customer_analytics_pkey",
      "customers_pkey",
      "payments_customer_idx",
      "referral_profiles_pkey",
    ],
    ["customer_analytics_pkey"],
  ]);
});

test("old events are found at the beginning of the index on received_at", async () => {
  const stop = new AbortController();
  const indexes = await indexesOf(async (on) => {
    await dropOld(on.pool, NOW, { eventDays: 90, payloadDays: 90 }, stop.signal, () => {});
  });
  const [, drop] = indexes.find(([text]) => text.startsWith("delete from webhook_events")) ?? [];
  expect(drop).toEqual(["webhook_events_earlier_event_idx", "webhook_events_received_idx"]);
});
