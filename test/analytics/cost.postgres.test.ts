import type pg from "pg";
import { describe, expect, it } from "vitest";
import { recomputeStatement } from "../../src/analytics/statement.js";
import { openTestDatabase } from "../support/database.js";
import { makeOrganization, recomputeAt } from "../support/worlds.js";

const database = await openTestDatabase();
const fresh = await openTestDatabase();
const NOW = "2026-03-01T20:00:00Z";

/**
 * An organization with this many customers. Each has 3 bookings of 2 segments and 2 payments, one of them refunded.
 */
async function organizationOf(customers: number, { pool, ...rest } = database): Promise<string> {
  const on = { pool, ...rest };
  const id = await makeOrganization(on, `M${customers}`);
  const run = (sql: string) => pool.query(sql, [id, customers]);
  const customer = "'C' || lpad(c::text, 7, '0')";
  await run(`insert into locations select $1::uuid, 'downtown', 'Downtown', 'America/Los_Angeles', 'USD', 'ACTIVE'
    where $2::int > 0`);
  await run(`insert into customers (organization_id, square_customer_id, version, order_key)
    select $1::uuid, ${customer}, 1, '\\x01' from generate_series(1, $2::int) c`);
  await run(`insert into bookings (organization_id, booking_id, version, status, customer_id, location_id, start_at,
      created_at, updated_at, duration_minutes, raw, order_key)
    select $1::uuid, 'B' || c || '-' || n, 0, 'ACCEPTED', ${customer}, 'downtown', at, at - interval '9 days', at, 60,
      '{}', '\\x01'
    from generate_series(1, $2::int) c, generate_series(1, 3) n,
      lateral (select timestamptz '2025-06-01' + n * interval '21 days' + c * interval '1 second' as at) t`);
  await run(`insert into booking_segments
    select $1::uuid, 'B' || c || '-' || n, s, 'T' || s, 'gel', 30
    from generate_series(1, $2::int) c, generate_series(1, 3) n, generate_series(0, 1) s`);
  await run(`insert into payments (organization_id, payment_id, status, customer_id, location_id, amount_cents,
      tip_cents, total_cents, processing_fee_cents, currency, source_type, created_at, updated_at, raw, order_key)
    select $1::uuid, 'P' || c || '-' || n, 'COMPLETED', ${customer}, 'downtown', 5000, 500, 5500, 100, 'USD', 'CARD',
      at, at, '{}', '\\x01'
    from generate_series(1, $2::int) c, generate_series(1, 2) n,
      lateral (select timestamptz '2025-06-01' + n * interval '21 days' as at) t`);
  await run(`insert into refunds (organization_id, refund_id, payment_id, status, amount_cents, currency, created_at,
      updated_at, raw, order_key)
    select $1::uuid, 'R' || c, 'P' || c || '-1', 'COMPLETED', 100, 'USD', at, at, '{}', '\\x01'
    from generate_series(1, $2::int) c, lateral (select timestamptz '2025-07-01' as at) t`);
  await recomputeAt(on, id, ["C0000100"], NOW);
  // Recomputing all would take a minute, and the values in the others' rows do not matter.
  await run(`insert into customer_analytics
    select copy.* from customer_analytics a cross join generate_series(1, $2::int) c
    cross join lateral jsonb_populate_record(a, jsonb_build_object('square_customer_id', ${customer})) as copy
    where a.organization_id = $1 and c <> 100`);
  return id;
}

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly Node[];
}

/** The statement as the program runs it: prepared, for any number of customers. */
const prepare = `prepare one (uuid, text[], timestamptz) as ${recomputeStatement}`;

/** The plan for one customer, after a booking was rescheduled. */
async function explain(client: pg.PoolClient, organizationId: string): Promise<Node> {
  await client.query("begin");
  await client.query(
    "update bookings set start_at = start_at + interval '1 hour' where organization_id = $1 and customer_id = $2",
    [organizationId, "C0000100"],
  );
  const { rows } = await client.query(
    `explain (analyze, buffers, format json) execute one ('${organizationId}', '{C0000100}', '${NOW}')`,
  );
  await client.query("rollback");
  return rows[0]["QUERY PLAN"][0].Plan;
}

/** The number of blocks that a plan made now reads. */
async function blocksOf(organizationId: string): Promise<number> {
  const client = await database.pool.connect();
  try {
    await client.query(prepare);
    const plan = await explain(client, organizationId);
    await client.query("deallocate one");
    const scanned = nodesOf(plan).filter(
      (node) => node["Node Type"] === "Seq Scan" && guarded.includes(node["Relation Name"] ?? ""),
    );
    expect(scanned).toEqual([]);
    return blocksIn(plan);
  } finally {
    client.release();
  }
}

function blocksIn(plan: Node): number {
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

const guarded = ["bookings", "payments", "booking_segments", "refunds", "customer_analytics", "customers"];

describe("recomputing one customer", () => {
  it("reads only that customer's rows, by index, however large the organization is", async () => {
    const small = await organizationOf(200);
    const large = await organizationOf(20_000);
    await database.pool.query("analyze");
    // The first run also reads the catalogue.
    await blocksOf(small);
    const inSmall = await blocksOf(small);
    const inLarge = await blocksOf(large);
    expect(inLarge).toBeLessThan(1.5 * inSmall);
    expect(inLarge).toBeLessThan(1_000);
  });

  it("does so with a plan made over empty tables", async () => {
    const client = await fresh.pool.connect();
    try {
      for (const table of guarded) {
        await client.query(`alter table ${table} set (autovacuum_enabled = off)`);
      }
      await client.query(prepare);
      await client.query(
        "execute one ('00000000-0000-0000-0000-000000000000', '{nobody}', '2026-03-01T20:00:00Z')",
      );
      const id = await organizationOf(20_000, fresh);
      expect(blocksIn(await explain(client, id))).toBeLessThan(1_000);
      expect(blocksIn(await explain(client, id))).toBeLessThan(250);
    } finally {
      client.release();
    }
  });
});
