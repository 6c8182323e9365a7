/** Which days an event marks as changed, after they were kept. */
import { beforeEach, expect, test } from "vitest";
import { keepDays } from "../../src/days/keep.js";
import { addSalon, NOW, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import {
  bookingEvent,
  customerEvent,
  type EventJson,
  mergeEvents,
  paymentEvent,
  received,
  refundEvent,
} from "../support/events.js";
import { addLocations } from "../support/worlds.js";

const HOUR = 3_600_000;

const database = await openTestDatabase();
const { pool } = database;
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
  // Its days begin 17 hours before those of the organization.
  await addLocations(database, salon, [
    { square_location_id: "harbor", name: "Harbor", time_zone: "America/Los_Angeles" },
    { square_location_id: "line", name: "Line", time_zone: "Pacific/Kiritimati" },
  ]);
});

async function take(events: readonly EventJson[], now = NOW): Promise<void> {
  const inbox = openInbox(database, { clock: () => now });
  for (const event of events) await inbox.receive(received(event));
}

async function keep(now: Date): Promise<void> {
  const keeping = { pool, clock: () => now, signal: new AbortController().signal, onKept: () => {} };
  await keepDays(keeping, salon, { anew: false, until: Number.POSITIVE_INFINITY });
}

/** The days that these events mark, when they come after the days were kept. */
async function marked(before: readonly EventJson[], ...after: readonly EventJson[]): Promise<string[]> {
  await take(before);
  await keep(NOW);
  await take(after);
  const { rows } = await pool.query("select distinct day::text as day from day_marks order by day");
  return rows.map(({ day }) => day);
}

const at = (day: string) => `${day}T18:00:00Z`;
const visit = (id: string, day: string, more: object = {}) =>
  bookingEvent({
    id,
    start_at: at(day),
    created_at: at("2026-04-01"),
    updated_at: at("2026-04-01"),
    ...more,
  });
const later = { version: 1, updated_at: "2026-06-01T10:00:00Z" };
const today = { start_at: "2026-06-01T18:00:00Z" };

test("an event of these days marks nothing: a booking, its cancellation, a payment, a refund and a profile", async () => {
  const made = { created_at: "2026-05-31T20:00:00Z", updated_at: "2026-05-31T20:00:00Z" };
  const paid = { created_at: "2026-06-01T10:00:00Z", updated_at: "2026-06-01T10:00:00Z" };
  expect(
    await marked(
      [visit("past", "2026-05-10")],
      bookingEvent({ id: "new", ...today, ...made }),
      bookingEvent({ id: "new", ...today, ...made, ...later, status: "CANCELLED_BY_CUSTOMER" }),
      paymentEvent({ id: "new", ...paid }),
      refundEvent({ id: "new", payment_id: "new", ...paid }),
      customerEvent("customer.created", { id: "ana" }),
    ),
  ).toEqual([]);
});

/** An event about a moment of the youngest kept day marks it, whatever the hour of the keeping. */
const hours = [0, 5, 6, 7, 8, 18, 19, 20, 23];

test.each(hours)(
  "the youngest kept day is marked to its last instant, by a clock too that is almost six hours late (at %i:00)",
  async (hour) => {
    const now = new Date(Date.UTC(2026, 5, 1, hour));
    const late = new Date(now.getTime() - 6 * HOUR + 1);
    const end = await endOfLastDay(now);
    const [last, dayAfter] = [new Date(end - 1).toISOString(), new Date(end - 1 + 24 * HOUR).toISOString()];
    await take([visit("first", "2026-05-10"), visit("last", "2026-05-10", { start_at: last })], now);
    await keep(now);
    const marks = async () => (await pool.query("select from day_marks")).rowCount;
    await take([visit("rebooking", "2026-06-20", { created_at: dayAfter, updated_at: dayAfter })], late);
    expect(await marks(), "a rebooking").toBe(1);
    await take([paymentEvent({ created_at: last, updated_at: last })], late);
    expect(await marks(), "a payment").toBe(2);
  },
);

/** When the youngest day that is kept at `now` ended, in the westernmost zone. At that instant it is 36 hours old. */
async function endOfLastDay(now: Date): Promise<number> {
  const { rows } = await pool.query(
    "select local_midnight(last_past_day($1, $2) + 1, 'America/Los_Angeles') as ends_at",
    [salon, new Date(now.getTime() - 36 * HOUR)],
  );
  return rows[0].ends_at.getTime();
}

test("while no days are kept, nothing is marked", async () => {
  await take([visit("past", "2026-05-10"), paymentEvent()]);
  expect((await pool.query("select from day_marks")).rowCount).toBe(0);
});

test("a late booking marks its day and the customer's days after it", async () => {
  const others = [visit("before", "2026-05-01"), visit("after", "2026-05-20"), visit("near", "2026-05-31")];
  const stranger = visit("stranger", "2026-05-25", { customer_id: "bob" });
  expect(await marked([...others, stranger], visit("late", "2026-05-10"))).toEqual([
    "2026-05-10",
    "2026-05-20",
    "2026-05-31",
  ]);
});

test("a booking that moved to another day marks both", async () => {
  expect(
    await marked([visit("b", "2026-05-10")], visit("b", "2026-05-14", later), visit("b", "2026-05-10")),
  ).toEqual(["2026-05-10", "2026-05-14"]);
});

test("a booking that moved to the future marks the day it left", async () => {
  expect(await marked([visit("b", "2026-05-10")], visit("b", "2026-06-20", later))).toEqual(["2026-05-10"]);
});

test("a booking that moved to another customer marks the days of both", async () => {
  const known = [
    visit("b", "2026-05-10"),
    visit("a2", "2026-05-12"),
    visit("b2", "2026-05-14", { customer_id: "bob" }),
  ];
  const days = await marked(known, visit("b", "2026-05-10", { ...later, customer_id: "bob" }));
  expect(days).toEqual(["2026-05-10", "2026-05-12", "2026-05-14"]);
});

test.each([
  ["harbor", "line"],
  ["line", "harbor"],
])("a day is the location's, before and after a move from the %s to the %s", async (from, to) => {
  // 18:00 UTC is the next day at the line.
  const moved = visit("b", "2026-05-10", { ...later, location_id: to });
  expect(await marked([visit("b", "2026-05-10", { location_id: from })], moved)).toEqual([
    "2026-05-10",
    "2026-05-11",
  ]);
});

test("a cancelled rebooking marks the day of the visit after which it was made", async () => {
  const rebooked = { ...today, created_at: "2026-05-10T20:00:00Z", updated_at: "2026-05-10T20:00:00Z" };
  const known = [
    visit("v", "2026-05-10"),
    visit("other", "2026-05-20"),
    bookingEvent({ id: "r", ...rebooked }),
  ];
  const cancelled = { ...rebooked, ...later, status: "CANCELLED_BY_CUSTOMER" };
  expect(await marked(known, bookingEvent({ id: "r", ...cancelled }))).toEqual(["2026-05-10"]);
});

test("a rebooking that moves within the future, or gets a note, marks nothing", async () => {
  const rebooked = { ...today, created_at: "2026-05-10T20:00:00Z", updated_at: "2026-05-10T20:00:00Z" };
  const known = [visit("v", "2026-05-10"), bookingEvent({ id: "r", ...rebooked })];
  const moved = { ...rebooked, ...later, start_at: at("2026-06-20") };
  expect(await marked(known, bookingEvent({ id: "r", ...moved }))).toEqual([]);
});

test("a changed old payment marks its day and those of its refunds", async () => {
  const known = [paymentEvent(), refundEvent({ location_id: null })];
  const failed = { status: "FAILED", updated_at: "2026-06-01T10:00:00Z" };
  expect(await marked(known, paymentEvent(failed))).toEqual(["2026-05-20", "2026-05-21"]);
});

test("an old payment whose fee alone changed marks nothing", async () => {
  const fee = { processing_fee: [{ amount_money: { amount: 30, currency: "USD" } }] };
  expect(
    await marked([paymentEvent()], paymentEvent({ ...fee, updated_at: "2026-06-01T10:00:00Z" })),
  ).toEqual([]);
});

test("a late refund without a location marks its day at its payment's location", async () => {
  const known = [paymentEvent({ location_id: "line" })];
  // 18:00 UTC is the next day at the line.
  expect(await marked(known, refundEvent({ location_id: null }))).toEqual(["2026-05-22"]);
});

test("a merge marks all days of both customers, of bookings and of payments", async () => {
  const known = [
    visit("a", "2026-05-10"),
    visit("b", "2026-05-12", { customer_id: "bob" }),
    paymentEvent({ customer_id: "bob" }),
    visit("c", "2026-05-13", { customer_id: "cleo" }),
  ];
  expect(await marked(known, ...mergeEvents(["bob"], "ana", "2026-06-01T10:00:00Z"))).toEqual([
    "2026-05-10",
    "2026-05-12",
    "2026-05-20",
  ]);
});
