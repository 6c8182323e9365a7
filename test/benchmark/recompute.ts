import { recompute } from "../../src/analytics/recompute.js";
import { refreshOrganization } from "../../src/analytics/refresh.js";
import type { Database } from "../../src/database/database.js";
import { inTransaction } from "../../src/database/transaction.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { loadDataset, withBenchDatabase } from "./bench-database.js";
import { benchmarkDataset } from "./dataset.js";

export interface RecomputeFigures {
  readonly what: string;
  readonly milliseconds: number;
  readonly detail: string;
}

const ROUNDS = 400;

/** One customer in organizations of growing size, and a full refresh of the data set. */
export async function benchRecompute({ sizes }: { sizes: readonly number[] }): Promise<RecomputeFigures[]> {
  const dataset = benchmarkDataset();
  const figures: RecomputeFigures[] = [];
  await withBenchDatabase("regulars_bench_recompute", async (database) => {
    say("loading the data set");
    const id = await loadDataset(database, dataset);
    figures.push(await oneCustomer(database, id, "the data set", dataset.now));
    figures.push(await fullRefresh(database, id, "nothing to change", dataset.now));
    await database.pool.query("delete from customer_analytics");
    figures.push(await fullRefresh(database, id, "every row new", dataset.now));
  });
  for (const size of sizes) {
    await withBenchDatabase("regulars_bench_recompute", async (database) => {
      say(`loading an organization of ${size} customers`);
      const id = await loadUniform(database, size, dataset.now);
      figures.push(await oneCustomer(database, id, `${size} customers`, dataset.now));
    });
  }
  return figures;
}

/**
 * The median time of the one statement for one customer, on a connection that has it prepared. It is the client's
 * time: the time in the database and one round trip. The row changes each time, and the change is rolled back.
 */
async function oneCustomer(
  { pool }: Database,
  organizationId: string,
  what: string,
  now: Date,
): Promise<RecomputeFigures> {
  const { rows } = await pool.query<{ square_customer_id: string }>(
    "select distinct customer_id as square_customer_id from bookings where organization_id = $1 order by 1 limit $2",
    [organizationId, ROUNDS],
  );
  const times: number[] = [];
  const later = new Date(now.getTime() + 400 * 24 * 3600 * 1000);
  await inTransaction(pool, async (tx) => {
    for (const { square_customer_id } of rows) {
      const started = performance.now();
      await recompute(tx, organizationId, [square_customer_id], later);
      times.push(performance.now() - started);
    }
    await tx.query("rollback");
    await tx.query("begin");
  });
  times.sort((a, b) => a - b);
  const at = (q: number) => times[Math.floor(times.length * q)] ?? Number.NaN;
  return {
    what: `one customer, ${what}`,
    milliseconds: at(0.5),
    detail: `median of ${times.length}; p99 ${at(0.99).toFixed(2)} ms`,
  };
}

async function fullRefresh(
  { pool }: Database,
  organizationId: string,
  what: string,
  now: Date,
): Promise<RecomputeFigures> {
  const started = performance.now();
  let detail = "";
  for await (const { checked, written } of refreshOrganization(pool, organizationId, "full", () => now)) {
    detail = `${checked} customers checked, ${written} rows written`;
  }
  return { what: `full refresh, ${what}`, milliseconds: performance.now() - started, detail };
}

/** Every customer has 8 bookings of one segment and 6 payments, whatever the size. */
async function loadUniform(database: Database, customers: number, now: Date): Promise<string> {
  const { id } = await addOrganization(database, { merchantId: "MUNIFORM", name: "Uniform" }, now);
  const { pool } = database;
  const customer = "'C' || lpad(c::text, 8, '0')";
  await pool.query(
    `insert into bookings (organization_id, booking_id, version, status, customer_id, reported_customer_id, location_id,
       start_at, created_at, updated_at, duration_minutes, raw, order_key)
     select $1, 'B' || c || '-' || b, 0, 'ACCEPTED', ${customer}, ${customer}, 'L' || c % 2,
       $3::timestamptz - interval '1 hour' * (b * 700 + c % 97), $3::timestamptz - interval '1 hour' * (b * 720 + c % 97),
       $3, 45, '{}', '\\x00'
     from generate_series(1, $2::integer) as c, generate_series(0, 7) as b`,
    [id, customers, now],
  );
  await pool.query(
    `insert into booking_segments select organization_id, booking_id, 0, 'T1', 'S1', 45 from bookings
     where organization_id = $1`,
    [id],
  );
  await pool.query(
    `insert into payments (organization_id, payment_id, status, customer_id, reported_customer_id, location_id,
       amount_cents, tip_cents, total_cents, processing_fee_cents, currency, source_type, created_at, updated_at, raw,
       order_key)
     select $1, 'P' || c || '-' || p, 'COMPLETED', ${customer}, ${customer}, 'L' || c % 2, 4500, 500, 5000, 160, 'USD',
       'CARD', $3::timestamptz - interval '1 hour' * (p * 700), $3, '{}', '\\x00'
     from generate_series(1, $2::integer) as c, generate_series(0, 5) as p`,
    [id, customers, now],
  );
  await pool.query("vacuum analyze");
  return id;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
