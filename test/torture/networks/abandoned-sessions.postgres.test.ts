import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/database/database.js";
import { openTestDatabase } from "../../support/database.js";
import { databaseUrl } from "../../support/database-url.js";

const direct = await openTestDatabase();

/** Sessions of our database that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await direct.pool.query(
    `select count(*)::int as waiting from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0].waiting;
}

test("a statement that timed out leaves no session that waits for its lock", async () => {
  const { rows } = await direct.pool.query("select current_database() as name");
  const impatient = await openDatabase({
    databaseUrl: databaseUrl(rows[0].name),
    dataDir: "",
    role: "server",
    queryTimeoutMs: 300,
  });
  const holder = await direct.pool.connect();
  await holder.query("begin");
  await holder.query("lock table webhook_events in access exclusive mode");
  const given = Promise.allSettled(
    Array.from({ length: 5 }, () => impatient.pool.query("select from webhook_events")),
  );
  await expect.poll(waiting).toBe(5);
  expect((await given).map(({ status }) => status)).toEqual(Array(5).fill("rejected"));
  for (let tries = 0; tries < 100 && (await waiting()) > 0; tries++) await wait(100);
  const left = await waiting();
  await holder.query("rollback");
  holder.release();
  await impatient.close();
  expect(left).toBe(0);
});
