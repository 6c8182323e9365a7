import { describe, expect, test } from "vitest";
import { addSalon, NOW, openInbox, processInBatches } from "../support/app.js";
import { casesHere, openTestDatabase } from "../support/database.js";
import {
  bookingEvent,
  customerEvent,
  type EventJson,
  mergeEvents,
  paymentEvent,
  received,
  refundEvent,
} from "../support/events.js";
import { type Tables, tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
const [firstMerge, secondMerge] = ["2026-05-10T09:00:00Z", "2026-05-20T09:00:00Z"];

let salons = 0;

async function freshSalon(): Promise<string> {
  salons += 1;
  return addSalon(database, `MLSALON${salons}`);
}

/**
 * Delivers the events in every order and in batches of every size, each to a new salon, and expects the same tables
 * each time. On the embedded database it tries every fifth order.
 */
async function inEveryOrder(events: readonly EventJson[]): Promise<Tables> {
  let expected: Tables | undefined;
  const orders = permutations(events);
  for (const [index, permutation] of orders.entries()) {
    if (index % Math.max(1, Math.round(orders.length / casesHere(orders.length))) !== 0) continue;
    const salon = await freshSalon();
    const size = (index % events.length) + 1;
    const batches = Array.from({ length: Math.ceil(events.length / size) }, (_, batch) =>
      permutation.slice(batch * size, (batch + 1) * size),
    );
    await processInBatches(database, salon, batches);
    const tables = await tablesOf(database, salon);
    const order = permutation.map((event) => events.indexOf(event));
    expected ??= tables;
    expect(tables, `order ${order}, batches of ${size}`).toEqual(expected);
  }
  return expected ?? {};
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

const aliasesOf = ({ customer_aliases = [] }: Tables) =>
  Object.fromEntries(customer_aliases.map((row) => [row.from_customer_id, row.to_customer_id]));

const rowsOf = ({ customer_analytics = [] }: Tables) =>
  Object.fromEntries(customer_analytics.map((row) => [row.square_customer_id, row]));

const live = (id: string, rest: object = {}) => customerEvent("customer.updated", { id, ...rest });

describe("in every order of delivery", () => {
  test("a chain of merges leads to its last survivor, also for late payments on the first id", async () => {
    const [created] = mergeEvents(["ana"], "bea", firstMerge) as [EventJson];
    const [survivor, , source] = mergeEvents(["cleo", "bea"], "dora", secondMerge) as [
      EventJson,
      EventJson,
      EventJson,
    ];
    const tables = await inEveryOrder([
      created,
      survivor,
      source,
      bookingEvent(),
      paymentEvent({ customer_id: "bea" }),
    ]);
    expect(aliasesOf(tables)).toEqual({ ana: "dora", bea: "dora", cleo: "dora" });
    expect(rowsOf(tables)).toEqual({
      dora: expect.objectContaining({ total_bookings: 1, total_payments: 1, given_name: "Given dora" }),
    });
    expect(tables.bookings).toMatchObject([{ customer_id: "dora", reported_customer_id: "ana" }]);
  });

  test("a merge is known from its sources' events if the survivor's event is lost", async () => {
    const merge = { from: ["ana", "bea"], to: "cleo" };
    const told = (id: string, created_at: string) =>
      customerEvent("customer.deleted", { id, version: 3, updated_at: undefined }, merge, { created_at });
    const tables = await inEveryOrder([
      told("ana", "2026-05-30T09:00:05Z"),
      told("bea", "2026-05-30T09:00:01Z"),
      live("ana"),
      bookingEvent(),
      paymentEvent({ customer_id: "bea" }),
    ]);
    expect(aliasesOf(tables)).toEqual({ ana: "cleo", bea: "cleo" });
    expect(rowsOf(tables)).toEqual({
      cleo: expect.objectContaining({ total_bookings: 1, total_payments: 1 }),
    });
  });

  test("an undone merge gives the source its facts back", async () => {
    const [survivor, source] = mergeEvents(["ana", "bea"], "cleo", firstMerge) as [EventJson, EventJson];
    const recovered = { version: 4, creation_source: "UNMERGE_RECOVERY", updated_at: secondMerge };
    const tables = await inEveryOrder([
      survivor,
      source,
      live("ana", recovered),
      bookingEvent(),
      paymentEvent({ customer_id: "bea" }),
    ]);
    expect(aliasesOf(tables)).toEqual({ bea: "cleo" });
    expect(rowsOf(tables)).toMatchObject({
      ana: { total_bookings: 1 },
      cleo: { total_payments: 1, total_bookings: 0 },
    });
  });

  test("a merge, its recovery and a second merge lead to the second survivor", async () => {
    const [, source] = mergeEvents(["ana"], "bea", firstMerge) as [EventJson, EventJson];
    const recovered = { version: 4, creation_source: "UNMERGE_RECOVERY", updated_at: "2026-05-15T09:00:00Z" };
    const merge = { from: ["ana"], to: "cleo" };
    const tables = await inEveryOrder([
      source,
      live("ana", recovered),
      customerEvent(
        "customer.created",
        { id: "cleo", created_at: secondMerge, updated_at: secondMerge },
        merge,
      ),
      customerEvent("customer.deleted", { id: "ana", version: 5, updated_at: secondMerge }, merge),
      bookingEvent(),
    ]);
    expect(aliasesOf(tables)).toEqual({ ana: "cleo" });
    expect(Object.keys(rowsOf(tables))).toEqual(["cleo"]);
  });

  test("the newest merge of a cycle is refused", async () => {
    const merged = (from: string, to: string, at: string) => mergeEvents([from], to, at)[0] as EventJson;
    const tables = await inEveryOrder([
      merged("ana", "bea", "2026-05-10T09:00:00Z"),
      merged("bea", "cleo", "2026-05-11T09:00:00Z"),
      merged("cleo", "ana", "2026-05-12T09:00:00Z"),
      bookingEvent(),
      paymentEvent({ customer_id: "bea" }),
    ]);
    expect(aliasesOf(tables)).toEqual({ ana: "cleo", bea: "cleo" });
    expect(rowsOf(tables)).toEqual({
      cleo: expect.objectContaining({ total_bookings: 1, total_payments: 1 }),
    });
  });

  test("a changed payment, its refund and its customer's merge give one sum", async () => {
    const [survivor] = mergeEvents(["ana"], "bea", firstMerge) as [EventJson];
    const tables = await inEveryOrder([
      paymentEvent({ customer_id: undefined, status: "APPROVED" }),
      paymentEvent({ updated_at: "2026-05-20T18:05:00Z" }),
      refundEvent({ status: "PENDING" }),
      refundEvent({ updated_at: "2026-05-21T19:00:00Z" }),
      survivor,
    ]);
    expect(rowsOf(tables)).toMatchObject({ bea: { net_revenue_cents: 4000, total_refunds: 1 } });
  });

  test("a booking that moves between customers, one of them deleted and recovered, ends with its last customer", async () => {
    const tables = await inEveryOrder([
      bookingEvent({ version: 0, customer_id: "ana" }),
      bookingEvent({ version: 1, customer_id: "bea", appointment_segments: [] }),
      customerEvent("customer.deleted", { id: "ana", version: 2 }),
      live("ana", { version: 1 }),
      live("ana", { version: 3, creation_source: "DELETION_RECOVERY" }),
    ]);
    expect(rowsOf(tables)).toMatchObject({ ana: { total_bookings: 0 }, bea: { total_bookings: 1 } });
    expect(tables.booking_segments).toBeUndefined();
  });
});

test("the row of a merged id disappears in the transaction of the merge", async () => {
  const salon = await freshSalon();
  await processInBatches(database, salon, [[live("ana"), bookingEvent()]]);
  expect(Object.keys(rowsOf(await tablesOf(database, salon)))).toEqual(["ana"]);
  await processInBatches(database, salon, [[mergeEvents(["ana"], "bea", firstMerge)[1]]]);
  expect(rowsOf(await tablesOf(database, salon))).toEqual({
    bea: expect.objectContaining({ total_bookings: 1 }),
  });
});

test("a refused merge is logged with its ids and nothing else", async () => {
  await freshSalon();
  const lines: object[] = [];
  const log = { info: () => {}, error: () => {}, warn: (fields: object) => lines.push(fields) };
  const inbox = openInbox(database, { log, clock: () => NOW });
  const organization_id = await addSalon(database, "MLCYCLE");
  for (const event of [
    mergeEvents(["ana"], "bea", firstMerge)[0],
    mergeEvents(["bea"], "ana", secondMerge)[0],
  ]) {
    await inbox.receive(received({ ...event, merchant_id: "MLCYCLE" }));
  }
  expect(lines).toEqual([{ organization_id, from_customer_id: "bea", to_customer_id: "ana" }]);
});
