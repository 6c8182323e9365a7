import { beforeEach, expect, test, vi } from "vitest";
import { inTransaction } from "../../src/database/transaction.js";
import { lockCustomers } from "../../src/facts/locks.js";
import { addSalon, openTestApp } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { paymentEvent } from "../support/events.js";
import { storedEvents, tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

/** The session of our database that waits for an advisory lock, once there is one. */
async function waitingSession(): Promise<number> {
  return vi.waitUntil(
    async () => {
      const { rows } = await database.pool.query<{ pid: number }>(
        `select pid from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`,
      );
      return rows[0]?.pid;
    },
    { timeout: 60_000, interval: 10 },
  );
}

test("an event whose connection is cut in its transaction leaves nothing, is answered 503, and is processed next time", async () => {
  const app = await openTestApp(database);
  const before = await tablesOf(database, salon);
  const event = paymentEvent();
  const answer = await inTransaction(database.pool, async (tx) => {
    await lockCustomers(tx, salon, ["ana"]);
    const answered = app.deliver(event);
    await database.pool.query("select pg_terminate_backend($1)", [await waitingSession()]);
    return answered;
  });
  expect([answer.status, answer.json.code]).toEqual([503, "database_unavailable"]);
  expect(answer.headers["retry-after"]).toBeDefined();
  expect(await storedEvents(database)).toEqual([]);
  expect(await tablesOf(database, salon)).toEqual(before);
  expect((await app.deliver(event)).json.status).toBe("processed");
});
