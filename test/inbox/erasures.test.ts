import { beforeEach, expect, test } from "vitest";
import { eraseCustomer, isCustomerKnown } from "../../src/inbox/erasures.js";
import type { Inbox } from "../../src/inbox/inbox.js";
import { addSalon, NOW, openInbox, processInBatches } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import {
  bookingEvent,
  customerEvent,
  type EventJson,
  mergeEvents,
  paymentEvent,
  received,
  refundEvent,
  squareEvent,
} from "../support/events.js";
import { sweepAt } from "../support/sweeping.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
const { pool } = database;
const HOUR = 3_600_000;
let salon: string;
let inbox: Inbox;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
  inbox = openInbox(database);
});

const SECRET = "Zq9"; // Every personal text below holds it.
const profile = {
  given_name: `Ana ${SECRET}`,
  family_name: `Lima ${SECRET}`,
  company_name: `${SECRET} Ltd`,
  email_address: `${SECRET}@example.com`,
  phone_number: `+1 555 ${SECRET}`,
  birthday: "1990-04-01",
  note: `likes ${SECRET}`,
  reference_id: `ref ${SECRET}`,
  address: { address_line_1: `${SECRET} Street`, country: "US" },
};
const notes = { customer_note: `allergic to ${SECRET}`, seller_note: `${SECRET} pays late` };
const card = {
  buyer_email_address: `${SECRET}@example.com`,
  note: `for ${SECRET}`,
  billing_address: { first_name: SECRET, postal_code: `${SECRET}-1` },
  card_details: { card: { card_brand: "VISA", cardholder_name: `Ana ${SECRET}`, last_4: "1234" } },
};

const history = (id: string, suffix = ""): EventJson[] => [
  customerEvent("customer.updated", { id, version: 3, created_at: "2026-01-01T00:00:00Z", ...profile }),
  bookingEvent({ id: `b1${suffix}`, customer_id: id, ...notes }),
  bookingEvent({
    id: `b2${suffix}`,
    customer_id: id,
    start_at: "2026-05-28T17:00:00Z",
    status: "NO_SHOW",
    ...notes,
  }),
  paymentEvent({ id: `p1${suffix}`, customer_id: id, cents: 7_500, ...card }),
  refundEvent({ id: `r1${suffix}`, payment_id: `p1${suffix}`, reason: `${SECRET} was unhappy` }),
];

async function takeIn(events: readonly EventJson[]) {
  const outcomes = [];
  for (const event of events) outcomes.push(await inbox.receive(received(event)));
  return outcomes;
}

const erase = (id: string) => eraseCustomer(pool, salon, id, NOW);

/** The tables whose rows hold a personal text. */
async function tablesThatTell(): Promise<string[]> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition",
  );
  const telling: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query(
      `select 1 from ${name} t where to_jsonb(t)::text like '%${SECRET}%' limit 1`,
    );
    if (rows.length > 0) telling.push(name);
  }
  return telling.sort();
}

/** What is counted and summed of the customer. */
async function numbersOf(id: string) {
  const { rows } = await pool.query(
    `select to_jsonb(a) - array['given_name', 'family_name', 'company_name', 'email_address', 'phone_number', 'birthday',
       'booking_notes', 'notes_count', 'updated_at', 'computed_at'] as numbers
     from customer_analytics a where square_customer_id = $1`,
    [id],
  );
  return rows[0]?.numbers;
}

test("an erasure leaves no personal text in any table, and no count and no sum changes", async () => {
  await takeIn([...history("ana"), ...history("ben", "-ben")]);
  const before = await numbersOf("ana");
  const others = await numbersOf("ben");
  expect(await tablesThatTell()).toEqual(
    ["bookings", "customer_analytics", "customers", "payments", "refunds", "webhook_events"].sort(),
  );
  expect(await erase("ana")).toEqual({ profiles: 1, bookings: 2, payments: 1, refunds: 1, events: 5 });
  expect(await numbersOf("ana")).toEqual(before);
  expect(before).toMatchObject({
    total_bookings: 2,
    total_no_shows: 1,
    total_revenue_cents: 7_500,
    total_refunds: 1,
  });
  // Everybody else keeps everything.
  expect(await numbersOf("ben")).toEqual(others);
  const { rows } = await pool.query("select given_name from customers where square_customer_id = 'ben'");
  expect(rows).toEqual([{ given_name: profile.given_name }]);
  await erase("ben");
  expect(await tablesThatTell()).toEqual([]);
  expect(await erase("ana")).toEqual({ profiles: 0, bookings: 0, payments: 0, refunds: 0, events: 0 });
});

test("late events cannot bring erased data back: newer, older, duplicate, and after the events were forgotten", async () => {
  const events = history("ana");
  await takeIn(events);
  await erase("ana");
  expect(await takeIn(events)).toEqual(events.map(() => "duplicate"));
  await pool.query("delete from webhook_events");
  await takeIn(events);
  await takeIn([
    customerEvent("customer.updated", { id: "ana", version: 9, ...profile }),
    customerEvent("customer.updated", { id: "ana", version: 1, ...profile }),
    customerEvent("customer.updated", {
      id: "ana",
      version: undefined,
      updated_at: "2026-05-31T00:00:00Z",
      ...profile,
    }),
    bookingEvent({ id: "b1", version: 4, customer_id: "ana", updated_at: "2026-05-30T00:00:00Z", ...notes }),
    bookingEvent({ id: "b9", customer_id: "ana", ...notes }),
    paymentEvent({ id: "p9", customer_id: "ana", ...card }),
    refundEvent({ id: "r9", payment_id: "p9", reason: SECRET }),
  ]);
  expect(await tablesThatTell()).toEqual([]);
  expect(await numbersOf("ana")).toMatchObject({ total_bookings: 3, total_payments: 2, total_refunds: 2 });
  expect(await sweepAt(database, NOW, "full")).toMatchObject({ drifted: 0, created: 0, deleted: 0 });
});

test("an erased customer's stored events can be processed again, and bring nothing back", async () => {
  await takeIn(history("ana"));
  await erase("ana");
  const before = await numbersOf("ana");
  const { rows } = await pool.query(
    "select organization_id, event_id, source, attempts, received_at, payload::text from webhook_events",
  );
  await inbox.redrive(rows);
  expect(await numbersOf("ana")).toEqual(before);
  expect(await tablesThatTell()).toEqual([]);
});

test("an erasure covers the ids merged into the customer, and those that turn out to be merged later", async () => {
  await takeIn([
    ...history("ana"),
    ...history("old", "-old"),
    ...mergeEvents(["old"], "ana", "2026-05-21T00:00:00Z"),
  ]);
  await erase("old");
  expect(await tablesThatTell()).toEqual([]);
  await takeIn([...history("lost", "-lost"), ...mergeEvents(["lost"], "ana", "2026-05-22T00:00:00Z")]);
  expect(await tablesThatTell()).not.toEqual([]);
  await sweepAt(database, new Date(NOW.getTime() + HOUR));
  expect(await tablesThatTell()).toEqual([]);
});

test("the sweep strips events that no handler reads, and completes an erasure that was cut off", async () => {
  await takeIn(history("ana"));
  await erase("ana");
  const invoice = { primary_recipient: { customer_id: "ana", email_address: `${SECRET}@example.com` } };
  await takeIn([
    squareEvent("invoice.updated", { type: "invoice", id: "i1", object: { invoice } }),
    squareEvent("customer.updated", {
      type: "customer",
      id: "ana",
      object: { customer: { id: "ana", version: "x", ...profile } },
    }),
  ]);
  await takeIn(history("cut", "-cut"));
  // As after a kill between the two steps.
  await pool.query("insert into customer_erasures values ($1, 'cut', $2, null)", [salon, NOW]);
  expect(await tablesThatTell()).not.toEqual([]);
  await sweepAt(database, new Date(NOW.getTime() + HOUR));
  expect(await tablesThatTell()).toEqual([]);
});

test("an id that nobody knows is not known; an erased one stays known", async () => {
  expect(await isCustomerKnown(pool, salon, "ana")).toBe(false);
  await takeIn(history("ana"));
  await erase("ana");
  expect(await isCustomerKnown(pool, salon, "ana")).toBe(true);
});

test("a payload is removed by its age, and a repeated delivery of its event is still a duplicate", async () => {
  const [first, ...rest] = history("ana") as [EventJson, ...EventJson[]];
  await takeIn([first, ...rest]);
  const retention = { eventDays: 90, payloadDays: 7 };
  await pool.query(
    "update webhook_events set received_at = received_at - interval '8 days' where event_id = $1",
    [first.event_id],
  );
  const before = await tablesOf(database, salon);
  await sweepAt(database, NOW, "recent", { retention });
  const without = async () =>
    (await pool.query("select event_id from webhook_events where payload is null")).rows.map(
      (row) => row.event_id,
    );
  expect(await without()).toEqual([first.event_id]);
  expect(await takeIn([first])).toEqual(["duplicate"]);
  await sweepAt(database, new Date(NOW.getTime() + 8 * 24 * HOUR), "recent", { retention });
  expect(await without()).toHaveLength(5);
  expect((await tablesOf(database, salon)).bookings).toEqual(before.bookings);
});

test("a duplicate in a batch with a new event does not bring a removed payload back", async () => {
  const [first] = history("ana") as [EventJson];
  await takeIn([first]);
  await erase("ana");
  await pool.query("update webhook_events set payload = null");
  const newer = customerEvent("customer.updated", { id: "ana", version: 9, ...profile });
  await processInBatches(database, salon, [[first, newer]]);
  const { rows } = await pool.query("select event_id from webhook_events where payload is null");
  expect(rows).toEqual([{ event_id: first.event_id }]);
  expect(await tablesThatTell()).toEqual([]);
});
