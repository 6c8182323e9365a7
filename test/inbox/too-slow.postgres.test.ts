import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { addSalon, openInbox, TestClock } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";
import { bookingEvent, received } from "../support/events.js";
import { storedEvents, tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
const { rows } = await database.pool.query("select current_database() as name");
/** A server whose statements have little time, but more than the two seconds in which Postgres lets go of those given up. */
const hurried = await openDatabase({
  databaseUrl: databaseUrl(rows[0].name),
  dataDir: "",
  role: "server",
  queryTimeoutMs: 3_000,
});
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

/** Does something in a transaction that stays open until the test ends, or is told to go on. */
async function hold(sql: string, values: readonly unknown[] = []): Promise<() => Promise<unknown>> {
  const client = await database.pool.connect();
  await client.query("begin");
  await client.query(sql, [...values]);
  let released = false;
  const release = async () => {
    if (!released) await client.query("rollback");
    if (!released) client.release();
    released = true;
  };
  onTestFinished(release);
  return release;
}

const bookings = ["ana", "ben", "slow", "cem", "dee", "eve"].map((customer_id) =>
  bookingEvent({ id: `of ${customer_id}`, customer_id }),
);

test("an event that takes more time than a statement has is deferred alone, its neighbours processed", async () => {
  const release = await hold("select pg_advisory_xact_lock(hashtextextended($1 || '/customer/' || $2, 0))", [
    salon,
    "slow",
  ]);
  const inbox = openInbox(hurried);
  const ends = await Promise.all(bookings.map((event) => inbox.receive(received(event))));
  expect(ends).toEqual(["processed", "processed", "deferred", "processed", "processed", "processed"]);
  await release();
  const { customer_analytics = [] } = await tablesOf(database, salon);
  expect(customer_analytics.map((row) => row.square_customer_id)).toEqual([
    "ana",
    "ben",
    "cem",
    "dee",
    "eve",
  ]);
});

test("where not even an event's id can be stored in time nothing is taken, and nothing is held longer for it", async () => {
  const release = await hold("lock table webhook_events in access exclusive mode");
  const inbox = openInbox(hurried);
  const ends = await Promise.allSettled(bookings.map((event) => inbox.receive(received(event))));
  expect(ends.map(({ status }) => status)).toEqual(bookings.map(() => "rejected"));
  await release();
  expect(await storedEvents(database)).toEqual([]);
  const again = await Promise.all(bookings.map((event) => inbox.receive(received(event))));
  expect(new Set(again)).toEqual(new Set(["processed"]));
});

test("deferred events that take too long together do not stop those of another organization", async () => {
  const other = await addSalon(database, "MLOTHER");
  const failing = () => ({
    eventTypes: [],
    interpret: () => {
      throw new Error("not yet");
    },
  });
  const deferring = openInbox(hurried, { findHandler: failing });
  for (const event of [...bookings, bookingEvent({}, { merchant_id: "MLOTHER" })]) {
    expect(await deferring.receive(received(event))).toBe("deferred");
  }
  const release = await hold(
    "select pg_advisory_xact_lock(hashtextextended($1 || '/customer/' || id, 0)) from unnest($2::text[]) as id",
    [salon, ["ana", "ben", "slow", "cem", "dee", "eve"]],
  );
  const clock = new TestClock();
  clock.advance(60_000);
  const inbox = openInbox(hurried, { clock: clock.read });
  // Each of the six waits three seconds. After fifteen the rest is left to a later attempt.
  expect(await inbox.retryDue(), "the other organization's event was tried").toBe(1);
  expect((await tablesOf(database, other)).bookings).toHaveLength(1);
  await release();
  clock.advance(60_000);
  expect(await inbox.retryDue()).toBe(6);
  expect(new Set((await storedEvents(database)).map(({ status }) => status))).toEqual(new Set(["processed"]));
});
