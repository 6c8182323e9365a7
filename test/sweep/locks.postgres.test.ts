/** A transaction left open elsewhere affects only the organization whose rows it locks. */
import pg from "pg";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Database, type OpenOptions, openDatabase } from "../../src/database/database.js";
import { inBackgroundTransaction } from "../../src/database/lock-wait.js";
import { compareKeptDays } from "../../src/days/compare.js";
import { recomputeCameDue } from "../../src/drift/due.js";
import { sweep } from "../../src/sweep/sweep.js";
import { openForCommands } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { connectSalon, openSquareWorld, type SquareWorld } from "../support/square.js";
import { runBackfill } from "../support/square-context.js";
import { contextAt, reportOf } from "../support/sweeping.js";

const { database, env } = await openForCommands();
const url = env.DATABASE_URL ?? "";

beforeEach(() => emptyDatabase(database));

/** Two salons at one Square each. Their sweeps use a database opened with these options. */
async function openTwo(options: Partial<OpenOptions> = {}) {
  const harbor = await openSquareWorld(database, { seed: "harbor", customers: 3 });
  const locked = await openSquareWorld(database, { seed: "locked", customers: 3, merchantId: "MLLOCKED" });
  for (const { salon } of [harbor, locked]) for (const _ of salon.events());
  await connectSalon(database, harbor);
  const id = await connectSalon(database, locked);
  const opened = await openDatabase({ databaseUrl: url, dataDir: "", role: "server", ...options });
  onTestFinished(() => opened.close());
  const openApi: SquareWorld["context"]["openApi"] = (access) =>
    (access.merchantId === "MLLOCKED" ? locked : harbor).context.openApi(access);
  return { harbor, locked, id, context: { ...harbor.context, database: opened, openApi } };
}

/** A psql session with an open transaction. */
async function leaveOpen(...statements: string[]): Promise<pg.Client> {
  const psql = new pg.Client({ connectionString: url, application_name: "psql" });
  await psql.connect();
  onTestFinished(() => psql.end());
  for (const statement of ["begin", ...statements]) await psql.query(statement);
  return psql;
}

const byPsql =
  /^A lock is held elsewhere\. Held by psql \(process \d+, idle in transaction, in a transaction since 2/;

test("a location locked by another transaction is noted with the holder, and all others are swept", async () => {
  const { harbor, id, context, locked } = await openTwo({
    databaseUrl: `${url}?options=-c%20lock_timeout%3D200`,
  });
  expect(reportOf(await sweep(context, "recent")).errors).toEqual([]);
  await leaveOpen(`update locations set name = 'x' where organization_id = '${id}'`);
  locked.clock.advance(3_600_000);
  harbor.clock.advance(3_600_000);
  const report = reportOf(await sweep(context, "recent"));
  expect(report.errors).toEqual([
    {
      organization_id: id,
      step: "locations",
      code: "locked_elsewhere",
      message: expect.stringMatching(byPsql),
    },
  ]);
  expect(report).toMatchObject({ complete: true, waiting: { organizations: 0 } });
  expect(report.checked).toBeGreaterThan(4);
});

test("a statement that times out is noted for its organization, and all others are swept", async () => {
  const { harbor, id, context } = await openTwo({ queryTimeoutMs: 700 });
  await sweep(context, "recent");
  await leaveOpen(`update sync_positions set updated_at = 'epoch' where organization_id = '${id}'`);
  harbor.clock.advance(3_600_000);
  const report = reportOf(await sweep(context, "recent"));
  expect(report.errors).toEqual([
    { organization_id: id, step: "pull", code: "too_slow", message: expect.stringMatching(/Held by psql/) },
  ]);
  expect(report.complete).toBe(true);
});

test("a sweep's transaction waits five seconds for a lock, unless the address says otherwise", async () => {
  for (const [databaseUrl, limit] of [
    [url, "5s"],
    [`${url}?options=-c%20lock_timeout%3D200`, "200ms"],
  ] as const) {
    const opened = await openDatabase({ databaseUrl, dataDir: "", role: "server" });
    onTestFinished(() => opened.close());
    const { rows } = await inBackgroundTransaction(opened.pool, (tx) => tx.query("show lock_timeout"));
    expect(rows).toEqual([{ lock_timeout: limit }]);
  }
});

test("due rows wait only for locks of their own organization", async () => {
  const { id, context } = await openTwo({ databaseUrl: `${url}?options=-c%20lock_timeout%3D200` });
  await sweep(context, "recent");
  await database.pool.query("update customer_analytics set refresh_due_at = '2026-01-01', total_visits = -1");
  await leaveOpen(`select from customer_analytics where organization_id = '${id}' for update`);
  await recomputeCameDue(contextAt(context.database as Database, context.clock));
  const { rows } = await database.pool.query(
    "select distinct organization_id as id from customer_analytics where total_visits = -1",
  );
  expect(rows).toEqual([{ id }]);
});

test("due rows that wait for a lock take no place from those of another organization", async () => {
  const { id, context } = await openTwo({ databaseUrl: `${url}?options=-c%20lock_timeout%3D200` });
  await sweep(context, "recent");
  const due = (whose: string, at: string) =>
    database.pool.query(
      `update customer_analytics set refresh_due_at = $2 where organization_id ${whose} $1`,
      [id, at],
    );
  await due("=", "2025-01-01");
  const { rowCount } = await due("<>", "2026-01-01");
  expect(rowCount).toBeGreaterThan(1);
  await leaveOpen(`select from customer_analytics where organization_id = '${id}' for update`);
  const recompute = () => recomputeCameDue(contextAt(context.database as Database, context.clock), 2);
  expect(await recompute()).toBe(2);
});

test("kept days and repeated erasures of an organization whose rows are locked do not hold up another's", async () => {
  const { harbor, id, context } = await openTwo({ databaseUrl: `${url}?options=-c%20lock_timeout%3D200` });
  await sweep(context, "recent");
  const { pool } = database;
  await pool.query(`insert into customer_erasures (organization_id, square_customer_id, erased_at)
    select organization_id, min(square_customer_id), now() from customers group by organization_id`);
  await pool.query("update kept_days set staff_slots = staff_slots + 1 where part = 0");
  await leaveOpen(
    `delete from kept_days where organization_id = '${id}'`,
    `update customers set company_name = 'x' where organization_id = '${id}'`,
  );
  harbor.clock.advance(3_600_000);
  const report = reportOf(await sweep(context, "full"));
  const locked = { organization_id: id, code: "locked_elsewhere", message: expect.stringMatching(byPsql) };
  expect(report.errors.filter(({ step }) => ["days", "retention"].includes(step))).toEqual([
    { ...locked, step: "days" },
    { ...locked, step: "retention" },
  ]);
  const { rows } = await pool.query(
    `select organization_id = $1 as locked, count(*) filter (where given_name is null)::integer as erased
     from customers where (organization_id, square_customer_id) in (
       select organization_id, square_customer_id from customer_erasures) group by 1 order by 1`,
    [id],
  );
  expect(rows).toEqual([
    { locked: false, erased: 1 },
    { locked: true, erased: 0 },
  ]);
  const other = await pool.query("select id from organizations where id <> $1", [id]);
  const days = { from: "2000-01-01", to: "2100-01-01" };
  const { compared, different } = await compareKeptDays(pool, other.rows[0].id, days);
  expect(compared).toBeGreaterThan(1);
  expect(different).toEqual([]);
});

test("old payloads are removed beside an event whose row is locked, and its own by the next sweep", async () => {
  const { harbor, id, context } = await openTwo();
  await sweep(context, "recent");
  const { pool } = database;
  await pool.query("delete from webhook_events");
  // More than one page, and the locked one is in the first.
  await pool.query(
    `insert into webhook_events (organization_id, event_id, merchant_id, event_type, status, attempts, received_at, source,
       payload)
     select id, 'e' || n, 'M', 'booking.created', 'processed', 1, $1::timestamptz + n * interval '1 second', 'webhook', '{}'
     from organizations cross join generate_series(1, 600) as n`,
    [new Date(harbor.clock.now.getTime() - 50 * 86_400_000)],
  );
  const psql = await leaveOpen(
    `select from webhook_events where organization_id = '${id}' and event_id = 'e2' for update`,
  );
  const retention = { eventDays: 90, payloadDays: 40 };
  const left = async () =>
    (await pool.query("select organization_id, event_id from webhook_events where payload is not null")).rows;
  const sweepLater = async () => {
    harbor.clock.advance(3_600_000);
    return reportOf(await sweep(context, "recent", { retention })).errors;
  };
  expect(await sweepLater()).toEqual([]);
  expect(await left()).toEqual([{ organization_id: id, event_id: "e2" }]);
  await psql.query("rollback");
  expect(await sweepLater()).toEqual([]);
  expect(await left()).toEqual([]);
});

test("a backfill leaves a list whose rows are locked for the next run, and reads all others", async () => {
  const { id, context, locked } = await openTwo({ databaseUrl: `${url}?options=-c%20lock_timeout%3D200` });
  await sweep(context, "recent");
  const { rows } = await database.pool.query(
    "delete from refunds where organization_id = $1 returning refund_id",
    [id],
  );
  expect(rows.length).toBeGreaterThan(0);
  const [profile] = locked.salon.truth.customers.values();
  if (!profile) throw new Error("the salon has no customers");
  const changed = { ...profile, version: profile.version + 1, given_name: "Later" };
  locked.salon.truth.customers.set(profile.id, changed);
  const psql = await leaveOpen(`update customers set given_name = 'x' where organization_id = '${id}'`);
  const first = await runBackfill({ context }, id);
  expect(first.unread).toEqual(["customers", "profiles"]);
  expect(first.errors).toEqual(
    first.unread.map((step) => ({
      organization_id: id,
      step,
      code: "locked_elsewhere",
      message: expect.stringMatching(byPsql),
    })),
  );
  const { rowCount } = await database.pool.query("select from refunds where organization_id = $1", [id]);
  expect(rowCount).toBe(rows.length);
  await psql.query("rollback");
  expect(await runBackfill({ context }, id)).toMatchObject({ unread: [], errors: [], resumed: true });
  const stored = await database.pool.query(
    "select given_name from customers where organization_id = $1 and square_customer_id = $2",
    [id, profile.id],
  );
  expect(stored.rows).toEqual([{ given_name: "Later" }]);
});
