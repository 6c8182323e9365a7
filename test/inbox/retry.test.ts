import { beforeEach, expect, test } from "vitest";
import { handlerFor } from "../../handlers/registry.js";
import { MAX_ATTEMPTS } from "../../src/inbox/backoff.js";
import type { Inbox } from "../../src/inbox/inbox.js";
import { processBatch } from "../../src/inbox/process-batch.js";
import type { FindHandler } from "../../src/inbox/received-event.js";
import {
  leaseDueEvents,
  readStoredEvent,
  type StoredEvent,
  storedEventsPage,
} from "../../src/inbox/stored-events.js";
import { addSalon, openInbox, TestClock } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, paymentEvent, received } from "../support/events.js";
import { storedEvents, tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
const DAY_MS = 86_400_000;
let salon: string;
let clock: TestClock;
let broken: boolean;
/** How often a handler was asked what an event means. */
let asked: number;
let inbox: Inbox;

const mendable: FindHandler = (type) => {
  const handler = handlerFor(type);
  if (!handler) return undefined;
  const interpret: typeof handler.interpret = (event) => {
    asked += 1;
    if (broken) throw new Error("not yet");
    return handler.interpret(event);
  };
  return { ...handler, interpret };
};

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
  clock = new TestClock();
  broken = true;
  asked = 0;
  inbox = openMendable();
});

function openMendable() {
  return openInbox(database, { clock: clock.read, findHandler: mendable });
}

async function onlyEvent() {
  const [event, ...others] = await storedEvents(database);
  expect(others).toEqual([]);
  if (!event) throw new Error("no event is stored");
  return event;
}

test("a failed event is tried again no sooner than it is due, waits longer each time, and is dead after 8 attempts", async () => {
  expect(await inbox.receive(received(paymentEvent()))).toBe("deferred");
  let wait = 5_000;
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
    const { status, attempts, next_attempt_at } = await onlyEvent();
    expect([status, attempts]).toEqual(["deferred", attempt]);
    const waits = Number(next_attempt_at) - clock.now.getTime();
    expect(waits).toBeGreaterThanOrEqual(wait);
    expect(waits).toBeLessThanOrEqual(1.5 * wait);
    wait *= 3;
    clock.advance(waits - 1);
    expect(await inbox.retryDue()).toBe(0);
    clock.advance(1);
    expect(await inbox.retryDue()).toBe(1);
  }
  expect(await onlyEvent()).toMatchObject({
    status: "dead",
    attempts: 8,
    next_attempt_at: null,
    last_error: "Error",
  });
  clock.advance(DAY_MS);
  expect(await inbox.retryDue()).toBe(0);
  expect(asked).toBe(8);
});

test("a deferred event that is delivered again is a duplicate, and has its effect once it can be processed", async () => {
  const event = paymentEvent();
  await inbox.receive(received(event));
  broken = false;
  expect(await inbox.receive(received(event))).toBe("duplicate");
  expect((await tablesOf(database, salon)).payments).toBeUndefined();
  clock.advance(DAY_MS);
  expect(await inbox.retryDue()).toBe(1);
  expect(await onlyEvent()).toMatchObject({
    status: "processed",
    attempts: 2,
    last_error: null,
    next_attempt_at: null,
    processed_at: clock.now,
  });
  expect((await tablesOf(database, salon)).customer_analytics).toMatchObject([{ total_payments: 1 }]);
});

test("a deferred event that a newer one has overtaken is stale when it is tried again", async () => {
  await inbox.receive(received(bookingEvent({ version: 1 })));
  broken = false;
  await inbox.receive(received(bookingEvent({ version: 2 })));
  const before = await tablesOf(database, salon);
  clock.advance(DAY_MS);
  await inbox.retryDue();
  expect((await storedEvents(database)).map((row) => row.status).toSorted()).toEqual(["processed", "stale"]);
  expect((await tablesOf(database, salon)).bookings).toEqual(before.bookings);
});

test("the lease of a worker that was killed runs out, and the attempt it began counts", async () => {
  await inbox.receive(received(paymentEvent()));
  clock.advance(DAY_MS);
  expect(await leaseDueEvents(database.pool, clock.now, 50)).toHaveLength(1);
  broken = false;
  clock.advance(59_999);
  expect(await inbox.retryDue()).toBe(0);
  clock.advance(1);
  expect(await inbox.retryDue()).toBe(1);
  expect(await onlyEvent()).toMatchObject({ status: "processed", attempts: 3 });
});

test("an event that kills every worker that takes it is dead after 8 attempts, and not asked again", async () => {
  await inbox.receive(received(paymentEvent()));
  for (let attempt = 2; attempt <= MAX_ATTEMPTS; attempt++) {
    clock.advance(DAY_MS);
    expect(await leaseDueEvents(database.pool, clock.now, 50)).toMatchObject([{ attempts: attempt }]);
  }
  asked = 0;
  clock.advance(DAY_MS);
  await inbox.retryDue();
  expect(await onlyEvent()).toMatchObject({ status: "dead", attempts: 8, next_attempt_at: null });
  expect(asked).toBe(0);
});

test("two workers never take one event at once", async () => {
  for (let index = 0; index < 30; index++) await inbox.receive(received(paymentEvent({ id: `p${index}` })));
  broken = false;
  asked = 0;
  clock.advance(DAY_MS);
  const tried = await Promise.all([inbox.retryDue(20), openMendable().retryDue(20)]);
  expect(tried[0] + tried[1]).toBe(asked);
  await inbox.retryDue();
  expect(asked).toBe(30);
  expect((await storedEvents(database)).filter((row) => row.attempts !== 2)).toEqual([]);
});

test("a dead event that is driven again has all its attempts again", async () => {
  await inbox.receive(received(paymentEvent()));
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
    clock.advance(DAY_MS);
    await inbox.retryDue();
  }
  const dead = () => storedEventsPage(database.pool, { statuses: ["dead"] }, clock.now, undefined, 10);
  expect(await inbox.redrive(await dead())).toEqual(["deferred"]);
  expect(await onlyEvent()).toMatchObject({ status: "deferred", attempts: 1 });

  clock.advance(DAY_MS);
  broken = false;
  expect(await inbox.retryDue()).toBe(1);
  expect(await onlyEvent()).toMatchObject({ status: "processed", attempts: 2 });
});

test("a worker that outlived its lease changes nothing of what another one has done since", async () => {
  await inbox.receive(received(paymentEvent()));
  clock.advance(DAY_MS);
  const [leased, ...others] = await leaseDueEvents(database.pool, clock.now, 50);
  expect([leased?.attempts, others]).toEqual([2, []]);
  const late = readStoredEvent(leased as StoredEvent, mendable);
  clock.advance(60_000);
  broken = false;
  expect(await inbox.retryDue()).toBe(1);
  const before = await onlyEvent();
  expect(before).toMatchObject({ status: "processed", attempts: 3 });
  const batch = { organizationId: salon, events: [late], now: clock.now, mode: "retry" } as const;
  expect((await processBatch(database.pool, batch)).outcomes).toEqual(["duplicate"]);
  expect(await onlyEvent()).toEqual(before);
});

test("a processed event that is driven again stays processed, though it says nothing new", async () => {
  broken = false;
  await inbox.receive(received(paymentEvent()));
  const processed = await storedEventsPage(database.pool, {}, clock.now, undefined, 10);
  for (let time = 0; time < 2; time++) {
    expect(await inbox.redrive(processed)).toEqual(["stale"]);
    expect(await onlyEvent()).toMatchObject({ status: "processed" });
  }
});

test("a stored event whose payload was damaged by hand ends as dead, and keeps no other from its turn", async () => {
  const [damaged, whole] = [
    received(paymentEvent({ id: "damaged" })),
    received(paymentEvent({ id: "whole" })),
  ];
  for (const event of [damaged, whole]) expect(await inbox.receive(event)).toBe("deferred");
  await database.pool.query("update webhook_events set payload = '[]' where event_id = $1", [
    damaged.event_id,
  ]);
  broken = false;
  clock.advance(60_000);
  expect(await inbox.retryDue()).toBe(2);
  const ended = Object.fromEntries((await storedEvents(database)).map((row) => [row.event_id, row]));
  expect(ended[whole.event_id]).toMatchObject({ status: "processed" });
  expect(ended[damaged.event_id]).toMatchObject({
    status: "dead",
    last_error: "the stored payload is not an event",
  });
});
