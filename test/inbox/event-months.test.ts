import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate } from "../../src/database/migrate.js";
import { eventPartitions, makeEventMonths, mayChangePartitions } from "../../src/inbox/event-months.js";
import type { Outcome } from "../../src/inbox/received-event.js";
import { addSalon, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, type EventJson, received } from "../support/events.js";
import { sweepAt } from "../support/sweeping.js";
import { goBackTo } from "../torture/upgrade/old-database.js";

/** Long after the migration, and one minute before a month ends. */
const LAST_MINUTE = new Date("2040-03-31T23:59:00Z");
const NEXT_DAY = new Date("2040-04-01T12:00:00Z");

const database = await openTestDatabase();
const { pool } = database;

beforeEach(async () => {
  await emptyDatabase(database);
  await addSalon(database);
});

afterEach(async () => {
  for (const { name, from } of await eventPartitions(pool)) if (from) await pool.query(`drop table ${name}`);
});

function take(event: EventJson, at: Date): Promise<Outcome> {
  return openInbox(database, { clock: () => at }).receive(received(event));
}

const madeAt = (created_at: Date | string) =>
  bookingEvent({}, { created_at: typeof created_at === "string" ? created_at : created_at.toISOString() });

/** The partition of each stored event. */
async function partitionsOfEvents(): Promise<string[]> {
  const { rows } = await pool.query("select tableoid::regclass::text as name from webhook_events order by 1");
  return rows.map(({ name }) => name);
}

async function months(): Promise<string[]> {
  return (await eventPartitions(pool)).flatMap(({ from }) => from ?? []);
}

test("an event that comes again in the next month is a duplicate, by webhook and by two servers at once", async () => {
  await makeEventMonths(pool, LAST_MINUTE);
  const event = madeAt(LAST_MINUTE);
  expect(await take(event, LAST_MINUTE)).toBe("processed");
  expect(await take(event, NEXT_DAY)).toBe("duplicate");
  const other = madeAt(LAST_MINUTE);
  const ends = await Promise.all([take(other, LAST_MINUTE), take(other, NEXT_DAY)]);
  expect(ends.sort()).toEqual(["duplicate", "stale"]);
  await take(madeAt(NEXT_DAY), NEXT_DAY);
  expect(await partitionsOfEvents()).toEqual([
    "webhook_events_2040_03",
    "webhook_events_2040_03",
    "webhook_events_2040_04",
  ]);
});

test("months are made before they begin, once, by whichever process comes first", async () => {
  const made = await Promise.all(Array.from({ length: 4 }, () => makeEventMonths(pool, LAST_MINUTE)));
  const ahead = ["2040-03-01", "2040-04-01", "2040-05-01"];
  expect(made.flat().sort()).toEqual(ahead);
  expect(await makeEventMonths(pool, LAST_MINUTE)).toEqual([]);
  await sweepAt(database, NEXT_DAY);
  expect(await months()).toEqual([...ahead, "2040-06-01"]);
});

test("an event of a month that nobody made, or of no month, is stored, and its duplicate is found", async () => {
  const unplanned = madeAt(LAST_MINUTE);
  const undated = madeAt("");
  for (const event of [unplanned, undated]) {
    expect(await take(event, LAST_MINUTE)).toMatch(/processed|stale/);
    expect(await take(event, NEXT_DAY)).toBe("duplicate");
  }
  expect(await partitionsOfEvents()).toEqual(["webhook_events_earlier", "webhook_events_unplanned"]);
  // The month stays where its events are.
  expect(await makeEventMonths(pool, LAST_MINUTE)).toEqual(["2040-04-01", "2040-05-01"]);
  expect(await take(unplanned, NEXT_DAY)).toBe("duplicate");
  await sweepAt(database, new Date("2040-07-15T12:00:00Z"));
  expect(await partitionsOfEvents()).toEqual([]);
});

test("a month is dropped when its last event is old enough, and not while one is deferred", async () => {
  await makeEventMonths(pool, LAST_MINUTE);
  const event = madeAt(LAST_MINUTE);
  await take(event, LAST_MINUTE);
  await take(madeAt(LAST_MINUTE), NEXT_DAY);
  // The first is 90 days old, the second is not.
  await sweepAt(database, new Date("2040-06-30T09:00:00Z"));
  expect(await partitionsOfEvents()).toHaveLength(2);
  const later = new Date("2040-06-30T13:00:00Z");
  await pool.query(
    "update webhook_events set status = 'deferred', next_attempt_at = $2 where event_id = $1",
    [event.event_id, new Date(later.getTime() + 60_000)],
  );
  await sweepAt(database, later);
  expect(await take(event, later)).toBe("duplicate");
  await pool.query("update webhook_events set status = 'dead'");
  await sweepAt(database, later);
  expect(await months()).not.toContain("2040-03-01");
  expect(await partitionsOfEvents()).toEqual([]);
});

test("a late event keeps its month for one month longer at most; then the others go without it", async () => {
  await makeEventMonths(pool, LAST_MINUTE);
  const late = madeAt(LAST_MINUTE);
  const lateAt = new Date("2040-06-01T00:00:00Z");
  await take(madeAt(LAST_MINUTE), LAST_MINUTE);
  await take(late, lateAt);
  await sweepAt(database, new Date("2040-07-30T12:00:00Z"));
  expect(await partitionsOfEvents()).toHaveLength(2);
  const after = new Date("2040-08-02T12:00:00Z");
  await sweepAt(database, after);
  expect(await partitionsOfEvents()).toHaveLength(1);
  expect(await take(late, after)).toBe("duplicate");
});

test("who could read and write events before the months came, and no more, still can", async () => {
  const role = `reader_${process.pid}`;
  await goBackTo(database, "0012_connections");
  await pool.query(`create role ${role}`);
  try {
    await pool.query(
      `grant usage on schema public to ${role}; grant select, insert, update, delete on webhook_events to ${role}`,
    );
    await migrate(database);
    const client = await pool.connect();
    try {
      await client.query(`begin; set local role ${role}`);
      await client.query(
        `insert into webhook_events (organization_id, event_id, merchant_id, event_type, status, attempts, received_at, source)
         values (gen_random_uuid(), 'E', 'M', 'x', 'processed', 1, now(), 'webhook')`,
      );
      expect((await client.query("delete from webhook_events")).rowCount).toBe(1);
      expect(await mayChangePartitions(client)).toBe(false);
    } finally {
      await client.query("rollback");
      client.release();
    }
  } finally {
    await pool.query(`drop owned by ${role}; drop role ${role}`);
  }
});
