import { beforeEach, expect, test } from "vitest";
import { handlerFor } from "../../handlers/registry.js";
import type { Inbox } from "../../src/inbox/inbox.js";
import type { FindHandler } from "../../src/inbox/received-event.js";
import { storedEventsPage } from "../../src/inbox/stored-events.js";
import { addSalon, NOW, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, type EventJson, paymentEvent, received, squareEvent } from "../support/events.js";
import { storedEvents, tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
let salon: string;
let inbox: Inbox;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
  inbox = await openWarm();
});

/** An inbox that knows the salon, so that events submitted in one turn of the event loop meet in the queue. */
async function openWarm(findHandler?: FindHandler): Promise<Inbox> {
  const warm = openInbox(database, findHandler && { findHandler });
  await warm.receive(received(squareEvent("warming.up", {})));
  await database.pool.query("delete from webhook_events");
  return warm;
}

/** The first event goes alone; all others wait for it and share the next transactions. */
function takeTogether(events: readonly EventJson[], into = inbox) {
  const first = squareEvent("first.of.all", {});
  return Promise.all([first, ...events].map((event) => into.receive(received(event)))).then(
    ([, ...rest]) => rest,
  );
}

async function transactionsOf(events: readonly EventJson[]) {
  const ids = new Set(events.map((event) => event.event_id));
  const rows = (await storedEvents(database)).filter((row) => ids.has(row.event_id));
  return new Set(rows.map((row) => row.transaction)).size;
}

const payments = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    paymentEvent({ id: `p${index}`, customer_id: `c${index % 9}` }),
  );

test("events that arrive while a transaction is in flight share the next one", async () => {
  const events = payments(10);
  expect(await takeTogether(events)).toEqual(events.map(() => "processed"));
  expect(await transactionsOf(events)).toBe(1);
  expect((await storedEvents(database)).length).toBe(11);
});

test("of equal events in one batch the first counts, and the others are duplicates", async () => {
  const event = paymentEvent();
  expect(await takeTogether([event, event, event])).toEqual(["processed", "duplicate", "duplicate"]);
  expect(await storedEvents(database)).toHaveLength(2);
});

test("versions of one object in one batch end as if they had come one by one", async () => {
  const events = [1, 3, 2, 3, 4].map((version) => bookingEvent({ version, seller_note: `v${version}` }));
  expect(await takeTogether(events)).toEqual(["processed", "processed", "stale", "stale", "processed"]);
  expect((await tablesOf(database, salon)).bookings).toMatchObject([{ version: 4, seller_note: "v4" }]);
});

test("an event whose handler throws is deferred alone, and 63 neighbours are processed in one transaction", async () => {
  const events = payments(64);
  const culprit = events[40] as EventJson;
  const failing: FindHandler = (type) => {
    const handler = handlerFor(type);
    if (!handler) return undefined;
    return {
      ...handler,
      interpret: (event) => {
        if (event.event_id === culprit.event_id) throw new Error("not today");
        return handler.interpret(event);
      },
    };
  };
  const outcomes = await takeTogether(events, await openWarm(failing));
  expect(outcomes).toEqual(events.map((event) => (event === culprit ? "deferred" : "processed")));
  expect(await transactionsOf(events)).toBe(1);
  expect((await tablesOf(database, salon)).payments).toHaveLength(63);
});

test("an event that the database cannot compute with is found by halving and deferred, its neighbours processed", async () => {
  const events = payments(64);
  // No row of a customer can be computed whose booking is at a place in a time zone that does not exist.
  await database.pool.query(
    "insert into locations (organization_id, square_location_id, name, time_zone, status) values ($1, 'lost', 'Lost', 'Nowhere/Lost', 'ACTIVE')",
    [salon],
  );
  events[10] = paymentEvent({ id: "large", customer_id: "rich" });
  const culprit = bookingEvent({ id: "too much", customer_id: "rich", location_id: "lost" });
  events[50] = culprit;
  const outcomes = await takeTogether(events);
  expect(outcomes).toEqual(events.map((event) => (event === culprit ? "deferred" : "processed")));
  const rows = await storedEvents(database);
  expect(rows.filter((row) => row.status === "deferred")).toMatchObject([
    { event_id: culprit.event_id, attempts: 1, last_error: expect.stringContaining("22023") },
  ]);
  const { bookings: stored = [], customer_analytics: rowsOf = [] } = await tablesOf(database, salon);
  expect(stored).toEqual([]);
  expect(rowsOf.find((row) => row.square_customer_id === "rich")).toMatchObject({ total_payments: 1 });
});

test("an event whose commit fails leaves nothing of itself but the deferred event", async () => {
  await database.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create constraint trigger refuse after insert on payments deferrable initially deferred
      for each row when (new.amount_cents = 666) execute function refuse()`);
  try {
    const events = [
      paymentEvent({ id: "good" }),
      paymentEvent({ id: "bad", cents: 666, location_id: "nowhere" }),
    ];
    expect(await takeTogether(events)).toEqual(["processed", "deferred"]);
    const tables = await tablesOf(database, salon);
    expect(tables.payments).toMatchObject([{ payment_id: "good" }]);
    expect(tables.locations).toMatchObject([{ square_location_id: "harbor" }]);
    expect(tables.customer_analytics).toMatchObject([{ total_revenue_cents: 5000 }]);
  } finally {
    await database.pool.query("drop trigger refuse on payments; drop function refuse()");
  }
});

test("a duplicate is told from another process's event too, and from an earlier one", async () => {
  const event = paymentEvent();
  const elsewhere = openInbox(database);
  const outcomes = await Promise.all([inbox.receive(received(event)), elsewhere.receive(received(event))]);
  expect(outcomes.toSorted()).toEqual(["duplicate", "processed"]);
  expect(await elsewhere.receive(received(event))).toBe("duplicate");
});

test("one event id of two merchants is two events", async () => {
  const spa = await addSalon(database, "MLSPA");
  const event = paymentEvent();
  expect(await inbox.receive(received(event))).toBe("processed");
  const before = await tablesOf(database, salon);
  const other = { ...paymentEvent({ cents: 1 }), event_id: event.event_id, merchant_id: "MLSPA" };
  expect(await inbox.receive(received(other))).toBe("processed");
  expect(await tablesOf(database, salon)).toEqual(before);
  expect((await tablesOf(database, spa)).payments).toMatchObject([{ amount_cents: 1 }]);
});

const ignored = () =>
  storedEventsPage(database.pool, { statuses: ["ignored"] }, new Date(NOW.getTime() + 1), undefined, 100);

/** Drives all ignored events again, and tells how this one ended. */
async function redriven({ event_id }: EventJson) {
  const events = await ignored();
  return (await inbox.redrive(events))[events.findIndex((stored) => stored.event_id === event_id)];
}

test("events of an unknown merchant are adopted once its organization is added", async () => {
  const early = paymentEvent({}, { merchant_id: "MLLATE" });
  const known = squareEvent("salon.robot.dispatched", {});
  for (const event of [early, known]) expect(await inbox.receive(received(event))).toBe("ignored");
  expect(await redriven(early)).toBe("ignored");

  const late = await addSalon(database, "MLLATE");
  expect(await redriven(early)).toBe("processed");
  expect((await tablesOf(database, late)).customer_analytics).toMatchObject([{ square_customer_id: "ana" }]);
  expect(
    (await storedEvents(database)).map((row) => [row.event_id, row.organization_id, row.status]),
  ).toEqual(
    expect.arrayContaining([
      [early.event_id, late, "processed"],
      [known.event_id, salon, "ignored"],
    ]),
  );
  expect(await storedEvents(database)).toHaveLength(2);
});

test("an event kept for an unknown merchant and delivered again after it was added counts once", async () => {
  const event = paymentEvent({}, { merchant_id: "MLLATE" });
  await inbox.receive(received(event));
  const late = await addSalon(database, "MLLATE");
  expect(await inbox.receive(received(event))).toBe("processed");
  const before = await tablesOf(database, late);
  expect(await redriven(event)).toBe("duplicate");
  expect(await tablesOf(database, late)).toEqual(before);
  expect(await storedEvents(database)).toMatchObject([{ organization_id: late, status: "processed" }]);
});

test("one event id of two unknown merchants is two events, and each is adopted by its own organization", async () => {
  const one = paymentEvent({ id: "p1" }, { merchant_id: "MLONE" });
  const two = paymentEvent({ id: "p2" }, { merchant_id: "MLTWO", event_id: one.event_id });
  for (const outcome of ["ignored", "duplicate"]) {
    for (const event of [one, two]) expect(await inbox.receive(received(event))).toBe(outcome);
  }
  const kept = (await ignored()).filter((row) => row.payload.includes(one.event_id));
  expect(kept.map((row) => row.event_id).toSorted()).toEqual(
    [one.event_id, `MLTWO/${one.event_id}`].toSorted(),
  );

  const second = await addSalon(database, "MLTWO");
  await inbox.redrive(await ignored());
  expect((await tablesOf(database, second)).payments).toMatchObject([{ payment_id: "p2" }]);
  const first = await addSalon(database, "MLONE");
  await inbox.redrive(await ignored());
  expect((await tablesOf(database, first)).payments).toMatchObject([{ payment_id: "p1" }]);
  expect(
    (await storedEvents(database))
      .filter((row) => row.event_id.includes(one.event_id))
      .map((row) => [row.organization_id, row.event_id, row.status])
      .toSorted(),
  ).toEqual(
    [
      [first, one.event_id, "processed"],
      [second, one.event_id, "processed"],
    ].toSorted(),
  );
});
