import { beforeEach, describe, expect, test } from "vitest";
import { addSalon, processInBatches } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import {
  bookingEvent,
  customerEvent,
  type EventJson,
  paymentEvent,
  refundEvent,
  squareEvent,
} from "../support/events.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

const take = (...events: EventJson[]) =>
  processInBatches(
    database,
    salon,
    events.map((event) => [event]),
  );

const tables = () => tablesOf(database, salon);

async function analytics() {
  const { customer_analytics = [] } = await tables();
  return Object.fromEntries(customer_analytics.map((row) => [row.square_customer_id, row]));
}

function teamMemberEvent(member: object): EventJson {
  const team_member = { id: "stylist-1", status: "ACTIVE", ...member };
  return squareEvent("team_member.updated", {
    type: "team_member",
    id: "stylist-1",
    object: { team_member },
  });
}

/** Two times. The second is one microsecond later, which a JavaScript Date cannot express. */
const [t1, t2] = ["2026-05-22T10:00:00.000001Z", "2026-05-22T10:00:00.000002Z"];

const pairs: readonly [rule: string, winner: () => EventJson, loser: () => EventJson][] = [
  [
    "booking: the higher version, though older and open",
    () => bookingEvent({ version: 2, updated_at: t1, status: "PENDING" }),
    () => bookingEvent({ version: 1, updated_at: t2, status: "NO_SHOW", customer_id: "ben" }),
  ],
  [
    "booking: of one version the later",
    () => bookingEvent({ version: 1, updated_at: t2, customer_note: "later" }),
    () => bookingEvent({ version: 1, updated_at: t1, status: "NO_SHOW" }),
  ],
  [
    "booking: of one version and time the terminal status",
    () => bookingEvent({ updated_at: t1, status: "CANCELLED_BY_CUSTOMER" }),
    () => bookingEvent({ updated_at: t1, status: "ACCEPTED", seller_note: "x" }),
  ],
  [
    "payment: the later, though open",
    () => paymentEvent({ updated_at: t2, status: "APPROVED" }),
    () => paymentEvent({ updated_at: t1, status: "COMPLETED", customer_id: "ben" }),
  ],
  [
    "payment: of one time the terminal status",
    () => paymentEvent({ updated_at: t1, status: "COMPLETED" }),
    () =>
      paymentEvent({ updated_at: t1, status: "APPROVED", refunded_money: { amount: 9, currency: "USD" } }),
  ],
  [
    "payment: of one time and status the one that gave more back",
    () => paymentEvent({ updated_at: t1, refunded_money: { amount: 2, currency: "USD" } }),
    () => paymentEvent({ updated_at: t1, refunded_money: { amount: 1, currency: "USD" }, note: "y" }),
  ],
  [
    "refund: the later",
    () => refundEvent({ updated_at: t2, status: "PENDING" }),
    () => refundEvent({ updated_at: t1, status: "COMPLETED", version: 9 }),
  ],
  [
    "refund: of one time the terminal status",
    () => refundEvent({ updated_at: t1, status: "FAILED" }),
    () => refundEvent({ updated_at: t1, status: "PENDING" }),
  ],
  [
    "customer: the higher version, though older",
    () => customerEvent("customer.updated", { id: "ana", version: 2, updated_at: t1 }),
    () => customerEvent("customer.updated", { id: "ana", version: 1, updated_at: t2, given_name: "Old" }),
  ],
  [
    "customer: a delete over an update of its version",
    () => customerEvent("customer.deleted", { id: "ana", version: 2, updated_at: t1 }),
    () => customerEvent("customer.updated", { id: "ana", version: 2, updated_at: t2 }),
  ],
  [
    "customer: a higher version over a delete",
    () => customerEvent("customer.updated", { id: "ana", version: 3, creation_source: "DELETION_RECOVERY" }),
    () => customerEvent("customer.deleted", { id: "ana", version: 2, updated_at: t2 }),
  ],
  [
    "team member: the later",
    () => teamMemberEvent({ updated_at: t2, status: "INACTIVE" }),
    () => teamMemberEvent({ updated_at: t1 }),
  ],
];

describe("one of two copies of an object stands, whichever comes first", () => {
  test.each(pairs)("%s", async (_, winner, loser) => {
    const [first, second] = [winner(), loser()];
    expect(await take(first)).toEqual(["processed"]);
    const only = await tables();
    expect(await take(second)).toEqual(["stale"]);
    expect(await tables()).toEqual(only);

    await emptyDatabase(database);
    salon = await addSalon(database);
    expect(await take(second, first)).toEqual(["processed", "processed"]);
    const { customer_analytics = [], ...facts } = await tables();
    const { customer_analytics: expected = [], ...expectedFacts } = only;
    expect(facts).toEqual(expectedFacts);
    // created_at and updated_at of a row depend on its history.
    expect(customer_analytics).toEqual(expected);
  });

  test("the content decides when nothing else differs, and the envelope's time never decides", async () => {
    const copies = ["one", "two", "three"].map((note, index) =>
      paymentEvent({ note }, { created_at: `2026-05-30T09:00:0${index}Z` }),
    );
    await take(...copies);
    const { payments } = await tables();
    await emptyDatabase(database);
    salon = await addSalon(database);
    await take(...copies.toReversed());
    expect((await tables()).payments).toEqual(payments);
  });

  test("the same object in another event is stale and writes no row", async () => {
    await take(
      bookingEvent(),
      paymentEvent(),
      refundEvent(),
      customerEvent("customer.updated", { id: "ana" }),
    );
    const rowVersions = async () =>
      (
        await database.pool.query(`
        select xmin::text from bookings union all select xmin::text from payments union all
        select xmin::text from refunds union all select xmin::text from customers union all
        select xmin::text from customer_analytics`)
      ).rows;
    const before = await rowVersions();
    const again = [
      bookingEvent(),
      paymentEvent(),
      refundEvent(),
      customerEvent("customer.updated", { id: "ana" }),
    ];
    expect(await take(...again)).toEqual(["stale", "stale", "stale", "stale"]);
    expect(await rowVersions()).toEqual(before);
  });
});

describe("an object that changes its customer changes both rows", () => {
  test("a booking that moves to another customer leaves the old row and enters the new one", async () => {
    await take(bookingEvent(), bookingEvent({ version: 1, customer_id: "ben" }));
    expect(await analytics()).toEqual({ ben: expect.objectContaining({ total_bookings: 1 }) });
    await take(bookingEvent({ version: 2, customer_id: null }));
    expect(await analytics()).toEqual({});
  });

  test("a payment that gets its customer later counts from then on", async () => {
    await take(paymentEvent({ customer_id: undefined, updated_at: t1 }));
    expect(await analytics()).toEqual({});
    await take(paymentEvent({ updated_at: t2 }));
    expect(await analytics()).toMatchObject({ ana: { total_payments: 1 } });
  });

  test("a refund that comes before its payment counts when the payment comes", async () => {
    expect(await take(refundEvent({ cents: 1500 }))).toEqual(["processed"]);
    expect(await analytics()).toEqual({});
    await take(paymentEvent());
    expect(await analytics()).toMatchObject({ ana: { total_refunds: 1, net_revenue_cents: 3500 } });
  });

  test("a refund follows its payment to another customer", async () => {
    await take(
      paymentEvent({ updated_at: t1 }),
      refundEvent(),
      paymentEvent({ updated_at: t2, customer_id: "ben" }),
    );
    expect(await analytics()).toEqual({ ben: expect.objectContaining({ total_refunds: 1 }) });
  });

  test("a customer with the same id at another merchant does not change", async () => {
    const spa = await addSalon(database, "MLSPA");
    for (const organization of [salon, spa]) {
      await processInBatches(database, organization, [[bookingEvent(), paymentEvent(), refundEvent()]]);
    }
    const before = await tablesOf(database, spa);
    await take(
      bookingEvent({ version: 5, customer_id: "ben" }),
      customerEvent("customer.created", { id: "eva" }, { from: ["ana", "ben"], to: "eva" }),
      customerEvent("customer.deleted", { id: "ana", version: 1 }),
      refundEvent({ id: "refund-2" }),
    );
    expect(await tablesOf(database, spa)).toEqual(before);
  });
});

test("a new copy of a booking replaces its segments", async () => {
  const segments = (...names: string[]) =>
    names.map((team_member_id) => ({ team_member_id, service_variation_id: "cut", duration_minutes: 30 }));
  const stored = async () => (await tables()).booking_segments?.map((row) => row.team_member_id);
  await take(bookingEvent({ appointment_segments: segments("ada", "bob", "cyd") }));
  expect(await stored()).toEqual(["ada", "bob", "cyd"]);
  await take(bookingEvent({ version: 2, appointment_segments: segments("dan") }));
  expect(await stored()).toEqual(["dan"]);
  await take(bookingEvent({ version: 1, appointment_segments: segments("eve", "fay") }));
  expect(await stored()).toEqual(["dan"]);
  await take(bookingEvent({ version: 3, appointment_segments: [] }));
  expect(await stored()).toBeUndefined();
});

test("an unknown location gets a placeholder, and a known one does not change", async () => {
  await database.pool.query(
    `insert into locations (organization_id, square_location_id, name, time_zone, currency, status)
     values ($1, 'harbor', 'Harbor', 'Europe/Lisbon', 'EUR', 'ACTIVE')`,
    [salon],
  );
  await take(bookingEvent(), paymentEvent({ location_id: "pier" }), refundEvent({ location_id: null }));
  expect((await tables()).locations).toMatchObject([
    { square_location_id: "harbor", name: "Harbor", is_placeholder: false },
    { square_location_id: "pier", name: "pier", time_zone: "America/Los_Angeles", is_placeholder: true },
  ]);
});

test("a location that only an older copy names becomes known too, in one batch or several", async () => {
  const copies = () => [
    bookingEvent({ location_id: "pier" }),
    bookingEvent({ version: 1, location_id: "quay" }),
  ];
  await take(...copies());
  const { locations } = await tables();
  await emptyDatabase(database);
  salon = await addSalon(database);
  await processInBatches(database, salon, [copies()]);
  expect((await tables()).locations).toEqual(locations);
  expect(locations?.map((row) => row.square_location_id)).toEqual(["pier", "quay"]);
});

test("a deletion clears the profile and keeps payments and bookings", async () => {
  await take(
    customerEvent("customer.created", { id: "ana", email_address: "ana@example.com" }),
    bookingEvent(),
    customerEvent("customer.deleted", { id: "ana", version: 4 }),
  );
  const { customers, customer_analytics } = await tables();
  expect(customers).toMatchObject([
    { given_name: null, email_address: null, deleted_at: expect.any(String) },
  ]);
  expect(customer_analytics).toMatchObject([{ given_name: null, email_address: null, total_bookings: 1 }]);
});

test("a deleted customer without payments and bookings has no row", async () => {
  await take(customerEvent("customer.created", { id: "ana" }));
  expect(Object.keys(await analytics())).toEqual(["ana"]);
  await take(customerEvent("customer.deleted", { id: "ana", version: 4 }));
  expect(await analytics()).toEqual({});
});
