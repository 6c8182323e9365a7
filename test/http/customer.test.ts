import { beforeEach, expect, test } from "vitest";
import { addSalon, adminHeaders, NOW, openTestApp, processInBatches } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, customerEvent, mergeEvents, paymentEvent } from "../support/events.js";

const database = await openTestDatabase();
let salon: string;
beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

async function open() {
  const { http, clock } = await openTestApp(database);
  const get = async (id: string, query = "") => {
    const url = `/api/organizations/${salon}/customers/${id}${query}`;
    const answer = await http.inject({ url, headers: adminHeaders });
    return { status: answer.statusCode, ...answer.json() };
  };
  return { clock, get };
}

test("a customer's bookings and payments come 200 at a time, newest first, each exactly once", async () => {
  const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1, 0, minutes)).toISOString();
  // Many of one instant, and two within a millisecond.
  const bookings = Array.from({ length: 450 }, (_, n) =>
    bookingEvent({ id: `b${n}`, start_at: at(Math.floor(n / 30)), customer_id: "ana" }),
  );
  const payments = Array.from({ length: 201 }, (_, n) =>
    paymentEvent({
      id: `p${n}`,
      customer_id: "ana",
      created_at: `2026-01-01T00:00:00.${String(n).padStart(6, "0")}Z`,
    }),
  );
  await processInBatches(database, salon, [
    bookings,
    payments,
    [customerEvent("customer.created", { id: "ben" })],
  ]);
  const { get } = await open();
  const pages = [await get("ana")];
  while (pages.at(-1).older !== null) pages.push(await get("ana", `?before=${pages.at(-1).older}`));
  expect(pages.map((page) => [page.bookings.length, page.payments.length])).toEqual([
    [200, 200],
    [200, 1],
    [50, 0],
  ]);
  // A cursor is for its customer.
  expect(await get("ben", `?before=${pages[0].older}`)).toMatchObject({
    status: 400,
    code: "invalid_cursor",
    parameter: "before",
  });
  const starts = pages.flatMap((page) =>
    page.bookings.map((booking: { start_at: string }) => booking.start_at),
  );
  expect(starts).toEqual(starts.toSorted().toReversed());
  const idsOf = (list: string, id: string) =>
    pages.flatMap((page) => page[list].map((row: Record<string, string>) => row[id])).toSorted();
  expect(idsOf("bookings", "booking_id")).toEqual(bookings.map((_, n) => `b${n}`).toSorted());
  expect(idsOf("payments", "payment_id")).toEqual(payments.map((_, n) => `p${n}`).toSorted());
});

test("next_change is when the clock changes the row next, and exactly the columns that then are different", async () => {
  const start = new Date(NOW.getTime() + 3_600_000).toISOString();
  await processInBatches(database, salon, [[bookingEvent({ customer_id: "ana", start_at: start })]]);
  const { get, clock } = await open();
  const before = await get("ana");
  expect(before.next_change.at).toBe(start);
  expect(before.next_change.columns).toEqual(expect.arrayContaining(["total_visits", "upcoming_bookings"]));
  clock.now = new Date(start);
  const after = await get("ana");
  const bookkeeping = ["updated_at", "computed_at", "refresh_due_at"];
  const changed = Object.keys(after.customer).filter(
    (name) =>
      !bookkeeping.includes(name) &&
      JSON.stringify(after.customer[name]) !== JSON.stringify(before.customer[name]),
  );
  expect(changed.toSorted()).toEqual(before.next_change.columns.toSorted());
});

test("a row that no clock changes has no next change, and a survivor names the ids merged into it", async () => {
  const created = customerEvent("customer.created", { id: "ana" });
  await processInBatches(database, salon, [[created], mergeEvents(["ben"], "ana", "2026-05-01T00:00:00Z")]);
  const { get } = await open();
  expect(await get("ben")).toMatchObject({
    customer: { square_customer_id: "ana" },
    merged_ids: ["ben"],
    next_change: null,
    older: null,
  });
});

test.each([
  "before=",
  "before=x",
  `before=${Buffer.from('{"bookings":{"time":"2026-01-01 no/zone","id":""},"payments":null}').toString("base64url")}`,
  "after=1",
  "before=a&before=b",
])("?%s is refused with 400", async (query) => {
  await processInBatches(database, salon, [[customerEvent("customer.created", { id: "ana" })]]);
  const { get } = await open();
  expect(await get("ana", `?${query}`)).toMatchObject({
    status: 400,
    code: expect.stringMatching(/^invalid_/),
  });
});
