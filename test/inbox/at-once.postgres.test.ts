import { afterAll, beforeEach, expect, test } from "vitest";
import { recomputeLocked } from "../../src/analytics/refresh.js";
import { type Database, openDatabase } from "../../src/database/database.js";
import { inTransaction } from "../../src/database/transaction.js";
import { lockCustomers } from "../../src/facts/locks.js";
import type { Inbox } from "../../src/inbox/inbox.js";
import { Random } from "../../src/simulator/random.js";
import { addSalon, NOW, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";
import {
  bookingEvent,
  customerEvent,
  type EventJson,
  mergeEvents,
  paymentEvent,
  received,
  refundEvent,
} from "../support/events.js";
import { storedEvents, tablesOf } from "../support/tables.js";

/** As many processes: each inbox has connections of its own. */
const database = await openTestDatabase();
const { rows } = await database.pool.query("select current_database() as name");
const processes: Database[] = await Promise.all(
  Array.from({ length: 4 }, () =>
    openDatabase({ databaseUrl: databaseUrl(rows[0].name), dataDir: "", role: "server", poolSize: 4 }),
  ),
);
afterAll(() => Promise.all(processes.map((process) => process.close())));
let salon: string;
let inboxes: Inbox[];
let one: Inbox;
let other: Inbox;
let third: Inbox;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
  // Anew, because an inbox remembers which organization a merchant is.
  inboxes = processes.map((process) => openInbox(process));
  [one, other, third] = inboxes as [Inbox, Inbox, Inbox];
});

const ROUNDS = 50;

function take(inbox: Inbox, event: EventJson) {
  return inbox.receive(received(event));
}

/** The rows of the customers, and of nobody else, are what their facts say. */
async function expectExact(customerIds: readonly string[], context: string) {
  const recomputed = await recomputeLocked(database.pool, salon, customerIds, NOW);
  expect(recomputed, context).toMatchObject({ written: [], deleted: [] });
}

async function analyticsOf(customerId: string) {
  const { rows } = await database.pool.query(
    "select total_payments, total_bookings from customer_analytics where square_customer_id = $1",
    [customerId],
  );
  return rows[0];
}

test("two payments of one customer at once both count, every time", async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    await Promise.all([
      take(one, paymentEvent({ id: `a-${round}`, cents: 1 })),
      take(other, paymentEvent({ id: `b-${round}`, cents: 1 })),
    ]);
    const { rows } = await database.pool.query("select total_payments as total from customer_analytics");
    expect(rows, `round ${round}`).toEqual([{ total: 2 * round }]);
  }
});

test("a refund and its payment at once: the refund counts, every time", async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const id = `payment-${round}`;
    await Promise.all([
      take(one, refundEvent({ id: `refund-${round}`, payment_id: id, cents: 1 })),
      take(other, paymentEvent({ id, cents: 10 })),
    ]);
    const { rows } = await database.pool.query("select total_refunds as total from customer_analytics");
    expect(rows, `round ${round}`).toEqual([{ total: round }]);
  }
});

test("a payment of a customer who is being merged lands on the survivor, every time", async () => {
  for (let round = 1; round <= 20; round++) {
    const [from, to] = [`ana-${round}`, `survivor-${round}`];
    const [survivor, source] = mergeEvents([from], to, "2026-05-29T09:00:00Z") as [EventJson, EventJson];
    await Promise.all([
      take(one, paymentEvent({ id: `payment-${round}`, customer_id: from })),
      take(other, survivor),
      take(third, source),
    ]);
    await expectExact([from, to], `round ${round}`);
    expect(await analyticsOf(to), `round ${round}`).toMatchObject({ total_payments: 1 });
  }
});

test("a chain that is merged from both ends at once ends at the last survivor, every time", async () => {
  for (let round = 1; round <= 20; round++) {
    const [a, b, c] = [`a-${round}`, `b-${round}`, `c-${round}`];
    await take(one, bookingEvent({ id: `booking-${round}`, customer_id: a }));
    await Promise.all([
      take(one, mergeEvents([a], b, "2026-05-28T09:00:00Z")[0] as EventJson),
      take(other, mergeEvents([b], c, "2026-05-29T09:00:00Z")[0] as EventJson),
    ]);
    await expectExact([a, b, c], `round ${round}`);
    expect(await analyticsOf(c), `round ${round}`).toMatchObject({ total_bookings: 1 });
  }
});

test("an event that two processes get at once is processed by one of them, every time", async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const event = paymentEvent({ id: `payment-${round}` });
    const outcomes = await Promise.all([take(one, event), take(other, event)]);
    expect(outcomes.toSorted(), `round ${round}`).toEqual(["duplicate", "processed"]);
  }
});

test("four processes with bookings, payments, refunds and merges of five customers end exact", async () => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(`at once ${seed}`);
    const customers = ["ana", "ben", "cem", "dea", "eva"];
    const events = Array.from({ length: 160 }, (_, index) =>
      randomEvent(random, customers, seed * 1000 + index),
    );
    await Promise.all(events.map((event) => take(random.pick(inboxes), event)));
    const statuses = new Set((await storedEvents(database)).map(({ status }) => status));
    expect([...statuses].toSorted(), `seed ${seed}`).toEqual(["processed", "stale"]);
    const { customer_analytics: stored = [] } = await tablesOf(database, salon);
    await expectExact([...customers, ...stored.map((row) => String(row.square_customer_id))], `seed ${seed}`);
  }
});

function randomEvent(random: Random, customers: readonly string[], version: number): EventJson {
  const customer_id = random.pick(customers);
  const number = random.int(1, 8);
  const updated_at = new Date(Date.parse("2026-05-25T00:00:00Z") + version * 1000).toISOString();
  const kinds = [
    () => bookingEvent({ id: `booking-${number}`, customer_id, version, location_id: `place-${number % 3}` }),
    () =>
      paymentEvent({ id: `payment-${number}`, customer_id, updated_at, location_id: `place-${number % 4}` }),
    () => refundEvent({ id: `refund-${number}`, payment_id: `payment-${number}`, updated_at }),
    () => customerEvent("customer.updated", { id: customer_id, version }),
  ];
  if (!random.chance(0.08)) return random.pick(kinds)();
  const target = random.pick([...customers, "fay", "gus"].filter((id) => id !== customer_id));
  return random.pick(mergeEvents([customer_id], target, updated_at));
}

test("a customer who is locked does not keep another waiting", async () => {
  await take(one, paymentEvent({ customer_id: "ben" }));
  let held: Promise<string> | undefined;
  await inTransaction(database.pool, async (tx) => {
    await lockCustomers(tx, salon, ["ana"]);
    held = take(one, paymentEvent({ id: "payment-2", customer_id: "ana" }));
    expect(await take(other, paymentEvent({ id: "payment-3", customer_id: "ben" }))).toBe("processed");
    expect(await Promise.race([held, "still waiting"])).toBe("still waiting");
  });
  expect(await held).toBe("processed");
});
