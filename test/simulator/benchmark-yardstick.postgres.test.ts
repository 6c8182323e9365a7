import { spawnSync } from "node:child_process";
import { beforeEach, expect, inject, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { loadDataset, urlOf, withBenchDatabase } from "../benchmark/bench-database.js";
import { benchmarkDataset } from "../benchmark/dataset.js";
import { recordCalls, runPgbench } from "../benchmark/pgbench.js";
import { skipUnlessRequired } from "../support/skip.js";
import { nothingWrong, sweepAt } from "../support/sweeping.js";

const missing = spawnSync("pgbench", ["--version"]).error ? "pgbench is not installed" : undefined;

beforeEach((context) => skipUnlessRequired(context, missing));

test("the yardstick of the webhook benchmark leaves rows in which a server finds no drift", async () => {
  const name = `${inject("databasePrefix")}_yardstick`;
  const dataset = benchmarkDataset({ customers: 60, bookings: 400, payments: 250 });
  await withBenchDatabase(name, async (loading) => {
    await loadDataset(loading, dataset);
    await loading.close();
    const bookings = [...dataset.upcoming()].filter(({ event }) => event.type.startsWith("booking."));
    const calls = await recordCalls(name, bookings.slice(0, 450), dataset.now);
    await runPgbench(name, calls, [{ clients: 2, transactions: 200 }]);
    const database = await openDatabase({ databaseUrl: urlOf(name), dataDir: "", role: "command" });
    const { rows } = await database.pool.query("select count(*)::int as events from webhook_events");
    expect(rows).toEqual([{ events: 200 }]);
    const noted = "select count(*)::int as noted from customer_analytics where notes_count > 0";
    expect((await database.pool.query(noted)).rows[0].noted).toBeGreaterThan(5);
    const report = await sweepAt(database, dataset.now, "full");
    await database.close();
    expect(report).toMatchObject(nothingWrong);
  });
});
