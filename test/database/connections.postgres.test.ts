import net from "node:net";
import { afterAll, expect, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { isRetryable, isUnavailable } from "../../src/database/failures.js";
import { query } from "../../src/database/query.js";
import { inTransaction } from "../../src/database/transaction.js";
import { openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";

const database = await openTestDatabase();
const { pool } = database;
const { rows: names } = await pool.query("select current_database() as name");
await pool.query("create table counters (id int primary key, count int)");
await pool.query("insert into counters values (1, 0), (2, 0)");

const refusing = await openDatabase({
  databaseUrl: "postgresql://postgres@127.0.0.1:1/postgres",
  dataDir: "",
  role: "server",
});
afterAll(() => refusing.close());

test("every session is in UTC with generic plans, and keeps the URL's own options", async () => {
  const url = `${databaseUrl(names[0].name)}?options=-c%20statement_timeout%3D7s%20-c%20timezone%3DAsia%2FTokyo`;
  const configured = await openDatabase({ databaseUrl: url, dataDir: "", role: "command" });
  const { rows } = await configured.pool.query(
    `select current_setting('timezone') as zone, current_setting('plan_cache_mode') as plans,
       current_setting('statement_timeout') as timeout, current_setting('application_name') as application`,
  );
  expect(rows).toEqual([
    { zone: "UTC", plans: "force_generic_plan", timeout: "7s", application: "regulars" },
  ]);
  await configured.close();
});

test("a statement is prepared once per connection, under a name people can read", async () => {
  await inTransaction(pool, async (tx) => {
    const statement = { name: "double", text: "select 2 * $1::int as n" };
    for (const number of [1, 2, 3]) await query(tx, statement, [number]);
    const { rows } = await tx.query(
      "select name, generic_plans::int as plans from pg_prepared_statements where name like 'double%'",
    );
    expect(rows).toEqual([{ name: expect.stringMatching(/^double_[0-9a-f]{12}$/), plans: 3 }]);
  });
});

test("a database that cannot be reached is unavailable, to the pool and to Prisma", async () => {
  for (const attempt of [
    refusing.pool.query("select 1"),
    inTransaction(refusing.pool, async () => {}),
    refusing.prisma.organization.count(),
    refusing.prisma.$queryRaw`select 1`,
  ]) {
    expect(isUnavailable(await attempt.catch((reason: unknown) => reason))).toBe(true);
  }
});

test("a connection cut between two statements fails its transaction as unavailable, and the next one works", async () => {
  const cut = inTransaction(pool, async (tx) => {
    const { rows } = await tx.query(
      "update counters set count = 99 where id = 1 returning pg_backend_pid() as pid",
    );
    const gone = new Promise((resolve) => tx.once("end", resolve));
    await pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
    await gone;
    await tx.query("select 1");
  });
  expect(isUnavailable(await cut.catch((reason: unknown) => reason))).toBe(true);
  const { rows } = await pool.query("select count from counters where id = 1");
  expect(rows).toEqual([{ count: 0 }]);
});

test("a connection cut at the commit surfaces as unavailable", async () => {
  const cut = inTransaction(pool, async (tx) => {
    const { rows } = await tx.query("select pg_backend_pid() as pid");
    const gone = new Promise((resolve) => tx.once("end", resolve));
    await pool.query("select pg_terminate_backend($1)", [rows[0].pid]);
    await gone;
  });
  expect(isUnavailable(await cut.catch((reason: unknown) => reason))).toBe(true);
});

test("idle connections that break are replaced, and the process lives", async () => {
  await Promise.all(Array.from({ length: 5 }, () => pool.query("select pg_sleep(0.05)")));
  await pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await expect.poll(() => pool.totalCount).toBeLessThanOrEqual(1);
  expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
});

test("two transactions that deadlock both get through", async () => {
  const bump = (one: number, other: number) =>
    inTransaction(pool, async (tx) => {
      await tx.query("update counters set count = count + 1 where id = $1", [one]);
      await tx.query("select pg_sleep(0.1)");
      await tx.query("update counters set count = count + 1 where id = $1", [other]);
    });
  await Promise.all([bump(1, 2), bump(2, 1)]);
  const { rows } = await pool.query("select sum(count)::int as total from counters");
  expect(rows).toEqual([{ total: 4 }]);
});

test("a server that accepts and never answers counts as unavailable after the connection timeout", async () => {
  const silent = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as net.AddressInfo;
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  const waiting = await openDatabase({ databaseUrl: url, dataDir: "", role: "command" });
  const error = await waiting.pool.query("select 1").catch((reason: unknown) => reason);
  expect([isUnavailable(error), isRetryable(error)]).toEqual([true, false]);
  await waiting.close();
  silent.close();
});
