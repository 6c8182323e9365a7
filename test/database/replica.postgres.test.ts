import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import { migrate } from "../../src/database/migrate.js";
import { Replica } from "../../src/database/replica.js";
import { doctor } from "../../src/operations/doctor.js";
import type { Finding } from "../../src/operations/finding.js";
import { addSalon, adminHeaders, openTestApp, openTestLog } from "../support/app.js";
import { emptyDatabase } from "../support/database.js";
import { customerEvent, paymentEvent } from "../support/events.js";
import { skipUnlessRequired } from "../support/skip.js";
import { openApiAt } from "../support/square-context.js";
import { PrivateCluster, whyNoCluster } from "../torture/crash/private-cluster.js";

/** A primary and its streaming replica, both of this file's own. */
const reason = await whyNoCluster();

let primary: PrivateCluster;
let standby: PrivateCluster;
let database: Database;

beforeAll(async () => {
  if (reason) return;
  primary = await PrivateCluster.make();
  database = await openDatabase({ databaseUrl: primary.url, dataDir: "", role: "server" });
  await migrate(database);
});

beforeEach(async (context) => {
  skipUnlessRequired(context, reason);
  await emptyDatabase(database);
  standby = await primary.standby();
  onTestFinished(() => standby.remove());
});

afterAll(async () => {
  await database?.close();
  await primary?.remove();
});

/** The server, with the standby as its replica. The test decides when the replica is checked. */
async function openWithReplica({ url = standby.url, maxLagSeconds = 60 } = {}) {
  const { log, logLines } = openTestLog();
  const replica = await Replica.open({ primary: database.pool, url, log, poolSize: 2, maxLagSeconds });
  onTestFinished(() => replica.stop());
  const salon = await addSalon(database);
  const app = await openTestApp(database, { replica });
  const get = async (path: string) => {
    const { statusCode, body } = await app.http.inject({ url: path, headers: adminHeaders });
    expect({ path, statusCode }).toEqual({ path, statusCode: 200 });
    return body;
  };
  const api = (path: string) => get(`/api/organizations/${salon}/${path}`);
  const revenue = async () =>
    JSON.parse(await api("kpi?from=2026-05-01&to=2026-06-01")).current.revenue_cents;
  const pay = async (id: string, cents: number) => {
    const amount_money = { amount: cents, currency: "USD" };
    const answer = await app.deliver(paymentEvent({ id, amount_money, total_money: amount_money }));
    expect(answer.json.status).toBe("processed");
  };
  return {
    replica,
    app,
    get,
    api,
    revenue,
    pay,
    logLines: () => readsOf(logLines),
  };
}

/** The log's lines about where reports are read. */
function readsOf(logLines: readonly string[]): string[] {
  return logLines.map((line) => JSON.parse(line).msg).filter((line) => line.startsWith("reports are read"));
}

async function onStandby(statement: string): Promise<unknown> {
  const client = new pg.Client(standby.url);
  await client.connect();
  try {
    const { rows } = await client.query(statement);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

/** Waits until the standby has replayed everything that the primary has written. */
async function replayed(): Promise<void> {
  const { rows } = await database.pool.query("select pg_current_wal_flush_lsn() as lsn");
  while (!(await onStandby(`select pg_last_wal_replay_lsn() >= '${rows[0].lsn}'`))) await wait(20);
}

test("reports come from the replica, and one customer from the primary", async () => {
  const { replica, api, revenue, pay, app } = await openWithReplica();
  await app.deliver(customerEvent("customer.created", { id: "ana", given_name: "Ana" }));
  await pay("P1", 1_000);
  await replayed();
  await replica.check();
  expect(replica.status).toEqual({ lag_seconds: 0, reachable: true, problem: null });
  expect(await revenue()).toBe(1_000);

  await onStandby("select pg_wal_replay_pause()");
  await pay("P2", 500);
  await app.deliver(customerEvent("customer.created", { id: "ben", given_name: "Ben" }));
  expect(await revenue()).toBe(1_000);
  expect(JSON.parse(await api("customers")).customers).toHaveLength(1);
  expect(await api("customers.csv")).not.toContain("Ben");
  expect(JSON.parse(await api("customers/ben")).customer.given_name).toBe("Ben");
  expect(JSON.parse(await api("customers/ben/explain/total_bookings")).value).toBe(0);

  await onStandby("select pg_wal_replay_resume()");
  await replayed();
  expect(await revenue()).toBe(1_500);
  expect(await api("customers.csv")).toContain("Ben");
});

test("every report runs on a replica, which refuses writes", async () => {
  const { replica, api, pay } = await openWithReplica();
  await pay("P1", 1_000);
  await replayed();
  await replica.check();
  expect(replica.status.problem).toBeNull();
  const paths = ["appointments/daily", "revenue/daily", "kpi", "segments/daily", "segments/movements"];
  const lists = ["bookings", "payments", "segments/movements/customers", "retention/customers"];
  for (const path of [...paths, "retention", "team", "customers", "customers.csv"]) await api(path);
  for (const path of lists.flatMap((list) => [list, `${list}.csv`])) await api(path);
  expect(replica.status.problem).toBeNull();
});

test("a replica that is too far behind is not read until it has caught up", async () => {
  const { replica, get, revenue, pay, logLines } = await openWithReplica({ maxLagSeconds: 0 });
  await replayed();
  await replica.check();
  await onStandby("select pg_wal_replay_pause()");
  await pay("P1", 1_000);
  // The lag is told in tenths of a second.
  do await wait(20);
  while (await replica.check().then(() => replica.status.lag_seconds === 0));
  expect(await revenue()).toBe(1_000);
  const { replica: shown, verdict } = JSON.parse(await get("/admin/jobs/status"));
  expect(shown).toEqual(replica.status);
  expect(shown.lag_seconds).toBeGreaterThan(0);
  expect(shown.problem).toBe("The replica is more than 0 s behind the primary");
  expect(verdict.level).not.toBe("ok");
  const metrics = await get("/metrics");
  expect(metrics).toContain(`regulars_replica_lag_seconds ${shown.lag_seconds}\n`);
  expect(metrics).toContain("regulars_replica_used 0\n");

  await onStandby("select pg_wal_replay_resume()");
  await replayed();
  await replica.check();
  await replica.check();
  expect(replica.status).toEqual({ lag_seconds: 0, reachable: true, problem: null });
  expect(await get("/metrics")).toContain("regulars_replica_used 1\n");
  const [from, to] = ["reports are read from the replica", "reports are read from the primary"];
  expect(logLines()).toEqual([from, to, from]);
});

test("a replica that lost its primary's stream is behind, though it replayed all it has", async () => {
  const { replica, pay } = await openWithReplica({ maxLagSeconds: 0 });
  await replayed();
  await onStandby("alter system set primary_conninfo = ''");
  await onStandby("select pg_reload_conf()");
  while (await onStandby("select count(*)::int from pg_stat_wal_receiver")) await wait(20);
  await pay("P1", 1_000);
  do await wait(20);
  while (await replica.check().then(() => replica.status.lag_seconds === 0));
  expect(replica.status.problem).not.toBeNull();
  expect(await onStandby("select pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()")).toBe(true);
});

test("when the replica is killed, the read that meets it and all later ones go to the primary", async () => {
  const { replica, get, revenue, pay, logLines } = await openWithReplica();
  await replayed();
  await replica.check();
  await pay("P1", 1_000);
  await standby.stopImmediately();
  expect(await revenue()).toBe(1_000);
  expect(await revenue()).toBe(1_000);
  await replica.check();
  const { replica: shown } = JSON.parse(await get("/admin/jobs/status"));
  expect(shown).toEqual({
    lag_seconds: null,
    reachable: false,
    problem: expect.stringContaining("DATABASE_READ_URL"),
  });
  expect(await get("/metrics")).not.toMatch(/^regulars_replica_lag_seconds /m);

  await standby.start();
  await replayed();
  await replica.check();
  expect(replica.status.problem).toBeNull();
  const [from, to] = ["reports are read from the replica", "reports are read from the primary"];
  // The reason may change while it is away: no answer, then a refusal.
  expect(logLines().filter((line, at, all) => line !== all[at - 1])).toEqual([from, to, from]);
});

test("a promoted replica is not read, because it goes its own way", async () => {
  const { replica, revenue, pay } = await openWithReplica();
  await replayed();
  await replica.check();
  await standby.promote();
  await replica.check();
  expect(replica.status).toEqual({
    lag_seconds: null,
    reachable: true,
    problem: "DATABASE_READ_URL names a database that is not a replica",
  });
  await pay("P1", 1_000);
  expect(await revenue()).toBe(1_000);
});

test("a replica of something else is refused with the difference", async () => {
  await database.pool.query("create database other");
  await database.pool.query("create schema elsewhere");
  await database.pool.query("create role reader login");
  onTestFinished(async () => {
    await database.pool.query("drop database other with (force)");
    await database.pool.query("drop schema elsewhere");
    await database.pool.query("drop role reader");
  });
  const foreign = await PrivateCluster.make();
  onTestFinished(() => foreign.remove());
  const foreignStandby = await foreign.standby();
  onTestFinished(() => foreignStandby.remove());
  await replayed();
  const problemOf = async (url: string) => {
    const { replica } = await openWithReplica({ url });
    await replica.check();
    return replica.status;
  };
  const cases: [string, string][] = [
    [primary.url, "DATABASE_READ_URL names a database that is not a replica"],
    [foreignStandby.url, "DATABASE_READ_URL names a replica of another server than DATABASE_URL"],
    [
      standby.url.replace(/postgres$/, "other"),
      "DATABASE_READ_URL names database other, and DATABASE_URL names postgres",
    ],
    [
      `${standby.url}?schema=elsewhere`,
      "DATABASE_READ_URL leads to schema elsewhere, and DATABASE_URL to public",
    ],
    [
      standby.url.replace("postgres@", "reader@"),
      "Role reader of DATABASE_READ_URL may not read table _prisma_migrations",
    ],
  ];
  for (const [url, problem] of cases) {
    expect(await problemOf(url)).toEqual({ lag_seconds: null, reachable: true, problem });
  }
}, 60_000);

test("doctor tells a good replica from a wrong one", async () => {
  await replayed();
  const found = async (url: string) => {
    const findings: Finding[] = [];
    const env = { DATABASE_URL: primary.url, DATABASE_READ_URL: url };
    const openApi = () => openApiAt("http://127.0.0.1:1");
    const tools = { env, clock: () => new Date(), openApi, openSubscriptions: () => undefined };
    for await (const finding of doctor(tools)) findings.push(finding);
    return findings.find(({ check }) => check === "replica");
  };
  expect(await found(standby.url)).toMatchObject({
    status: "pass",
    message: expect.stringContaining("0 s behind"),
  });
  expect(await found(primary.url)).toMatchObject({
    status: "fail",
    message: expect.stringContaining("not a replica"),
  });
  await standby.stopImmediately();
  expect(await found(standby.url)).toMatchObject({
    status: "fail",
    message: expect.stringMatching(/ECONNREFUSED.*DATABASE_READ_URL/),
  });
});
