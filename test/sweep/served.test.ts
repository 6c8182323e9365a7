import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { type RunningServer, startServer } from "../../src/commands/serve.js";
import { loadConfig } from "../../src/config.js";
import { type Database, openDatabase } from "../../src/database/database.js";
import type { SweepReport } from "../../src/sweep/report.js";
import { addSalon } from "../support/app.js";
import { regulars } from "../support/command-line.js";
import { migratedDataDir, openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";
import { nodeParameters } from "../support/program.js";
import { addProfiles } from "../support/sweeping.js";
import { insert } from "../support/worlds-insert.js";

const SECRET = "cron-secret-of-the-tests";

/** The database of a server, and a connection of this process to it while the server runs. */
async function place(): Promise<{ env: Record<string, string>; look: () => Promise<Database> }> {
  if (inject("databasePrefix") === undefined) {
    const dataDir = await migratedDataDir();
    const look = async () => {
      const database = await openDatabase({ dataDir, role: "command" });
      onTestFinished(() => database.close());
      return database;
    };
    return { env: { DATA_DIR: dataDir }, look };
  }
  const database = await openTestDatabase();
  const { rows } = await database.pool.query("select current_database() as name");
  return { env: { DATABASE_URL: databaseUrl(rows[0].name) }, look: async () => database };
}

interface Served {
  readonly child: ChildProcess;
  readonly address: string;
  readonly log: readonly string[];
}

/** Runs the server as its own process. */
async function serve(env: Record<string, string>): Promise<Served> {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [...nodeParameters("src/main.ts"), "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH,
      DATABASE_URL: "",
      PORT: "0",
      SQUARE_WEBHOOK_SIGNATURE_KEY: "k",
      SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example/webhooks/square",
      CRON_SECRET: SECRET,
      ...env,
    },
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  const log: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      log.push(line);
      const [, found] = /listening at (http:\/\/[\d.:]+)/.exec(line) ?? [];
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(`the server ended: ${log.join("\n")}`)));
  });
  return { child, address, log };
}

/** Reads repeatedly until there is a result. */
const until = <Result>(look: () => Promise<Result | undefined>) =>
  vi.waitUntil(look, { timeout: 60_000, interval: 20 }) as Promise<NonNullable<Result>>;

const sweepRows = async ({ pool }: Database) =>
  (
    await pool.query(
      "select status, payload from application_logs where log_type = 'cron' order by created_at",
    )
  ).rows;

/** The same server in this process. */
async function serveHere(env: Record<string, string>): Promise<RunningServer> {
  const required = {
    PORT: "0",
    LOG_LEVEL: "silent",
    SQUARE_WEBHOOK_SIGNATURE_KEY: "k",
    SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example/webhooks/square",
    CRON_SECRET: SECRET,
  };
  return startServer(loadConfig({ ...required, ...env }, { require: "serve" }));
}

test("a server sweeps by its schedule", async () => {
  const { env } = await place();
  vi.useFakeTimers({ now: new Date("2026-06-01T12:59:00Z"), toFake: ["Date", "setTimeout", "clearTimeout"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const server = await serveHere({ ...env, RECONCILE_SCHEDULE: "0 * * * *" });
  await addProfiles(server.database, await addSalon(server.database), 3);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(await sweepRows(server.database)).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  vi.useRealTimers();
  const ended = await until(async () =>
    (await sweepRows(server.database)).find(({ status }) => status !== "processing"),
  );
  expect(ended).toMatchObject({
    status: "completed",
    payload: { mode: "recent", created: 3, complete: true },
  });
  await server.stop();
});

test("a server with RECONCILE_SCHEDULE=off neither sweeps nor recomputes; a server that starts recomputes rows that came due meanwhile", async () => {
  const { env } = await place();
  vi.useFakeTimers({ now: new Date("2026-06-01T12:59:00Z"), toFake: ["Date", "setTimeout", "clearTimeout"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const first = await serveHere({ ...env, RECONCILE_SCHEDULE: "off" });
  const organizationId = await addSalon(first.database);
  await insert(first.database, organizationId, "bookings", [
    { booking_id: "b1", start_at: "2026-01-05T18:00:00Z" },
  ]);
  const asked = await fetch(`${first.address}/api/cron/refresh-customer-analytics`, {
    headers: { authorization: `Bearer ${SECRET}` },
  });
  expect(await asked.json()).toMatchObject({ success: true, created: 1 });
  const cameDue = "update customer_analytics set refresh_due_at = '2020-01-01', total_visits = 0";
  await first.database.pool.query(cameDue);
  // Not longer: the time-outs of statements pass too.
  await vi.advanceTimersByTimeAsync(31_000);
  vi.useRealTimers();
  // A recompute that had begun would end during these.
  for (let look = 0; look < 100; look += 1) {
    const { rows } = await first.database.pool.query("select total_visits from customer_analytics");
    expect(rows).toEqual([{ total_visits: 0 }]);
  }
  expect(await sweepRows(first.database)).toHaveLength(1);
  await first.stop();

  const again = await serveHere({ ...env, RECONCILE_SCHEDULE: "0 0 29 2 *" });
  await until(async () => {
    const { rows } = await again.database.pool.query(
      "select 1 from customer_analytics where total_visits = 1",
    );
    return rows[0];
  });
  expect(await sweepRows(again.database)).toHaveLength(1);
  await again.stop();
});

test("SIGTERM during a sweep: the server exits 0 within ten seconds, the row says so, and the next sweep goes on", async () => {
  const { env, look } = await place();
  const { child, address } = await serve({ ...env, RECONCILE_SCHEDULE: "off" });
  const database = await look();
  await addProfiles(database, await addSalon(database), 1_500);
  const asked = fetch(`${address}/api/cron/refresh-customer-analytics?mode=full`, {
    headers: { authorization: `Bearer ${SECRET}` },
  });
  const position = async ({ pool }: Database) =>
    (await pool.query("select position from sync_positions where task = 'check'")).rows[0]?.position;
  await until(() => position(database));
  const signalled = performance.now();
  child.kill("SIGTERM");
  const report = (await (await asked).json()) as SweepReport;
  expect(report).toMatchObject({ success: false, complete: false, errors: [{ code: "interrupted" }] });
  expect(report.checked).toBeLessThan(1_500);
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(performance.now() - signalled).toBeLessThan(10_000);

  const next = await regulars(env, "reconcile", "--mode", "full", "--json");
  expect(JSON.parse(next.stdout)).toMatchObject({ success: true, complete: true, checked: 1_500 });
  const after = await look();
  expect(await sweepRows(after)).toMatchObject([
    { status: "error", payload: report },
    { status: "completed", payload: { complete: true, created: 1_500 - report.created } },
  ]);
});

test.each(["99 * * * *", "0 0 30 2 *", "hourly"])(
  "a schedule that never comes (%s) is refused at the start",
  async (RECONCILE_SCHEDULE) => {
    const ended = await regulars({ RECONCILE_SCHEDULE }, "serve");
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      / {2}- RECONCILE_SCHEDULE (is not a cron expression|must be a cron expression)/,
    );
  },
);
