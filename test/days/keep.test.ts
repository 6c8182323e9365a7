/** The keeping of days by sweeps, and what reports make of it. */
import { beforeEach, expect, test } from "vitest";
import { keepDays } from "../../src/days/keep.js";
import { appointmentsDaily } from "../../src/reports/daily.js";
import { kpi } from "../../src/reports/kpi.js";
import { addSalon, NOW, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, type EventJson, paymentEvent, received } from "../support/events.js";
import { nothingWrong, sweepAt } from "../support/sweeping.js";

const DAY = 86_400_000;

const database = await openTestDatabase();
const { pool } = database;
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

async function take(...events: readonly EventJson[]): Promise<void> {
  const inbox = openInbox(database);
  for (const event of events) await inbox.receive(received(event));
}

async function revenue(): Promise<bigint> {
  const scope = { organizationId: salon, from: "2026-03-01", to: "2026-06-01", locationId: null };
  return (await kpi(pool, scope, "USD", NOW)).current.revenue_cents;
}

const spoil = () => pool.query("update kept_revenue set revenue_cents = revenue_cents + 1");

test("the first sweep keeps every past day, and each later one the days since and those that changed", async () => {
  await take(bookingEvent(), paymentEvent());
  // From the first fact, one day more for any time zone, to the last day that ended 36 hours ago.
  expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, days_kept: 11 });
  expect(await sweepAt(database, NOW)).toMatchObject({ days_kept: 0 });
  expect(await sweepAt(database, new Date(NOW.getTime() + 2 * DAY))).toMatchObject({ days_kept: 2 });
  await take(paymentEvent({ id: "late" }));
  expect(await sweepAt(database, NOW)).toMatchObject({ days_kept: 1 });
});

test("an organization without facts keeps no days", async () => {
  expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, days_kept: 0 });
});

test("of two first bookings at one instant the one with the smaller id makes the customer new, in kept days too", async () => {
  await take(bookingEvent({ id: "b" }), bookingEvent({ id: "a", location_id: "line" }));
  const newAt = async () => {
    const scope = { organizationId: salon, from: "2026-05-20", to: "2026-05-20", locationId: null };
    const days = await appointmentsDaily(pool, scope, NOW);
    return days.map(({ location_id, new_customers }) => [location_id, new_customers]);
  };
  const facts = await newAt();
  expect(facts).toEqual([
    ["harbor", 0],
    ["line", 1],
  ]);
  await sweepAt(database, NOW);
  expect(await newAt()).toEqual(facts);
});

test("reports read a kept day, and the facts of a marked one", async () => {
  await take(paymentEvent());
  await sweepAt(database, NOW);
  await spoil();
  expect(await revenue()).toBe(5_001n);
  await take(paymentEvent({ id: "late", cents: 7 }));
  expect(await revenue()).toBe(5_007n);
  await sweepAt(database, NOW);
  expect(await revenue()).toBe(5_007n);
});

test("a full sweep keeps every day anew, so it heals what was changed by hand", async () => {
  await take(paymentEvent());
  await sweepAt(database, NOW);
  await spoil();
  expect(await sweepAt(database, NOW)).toMatchObject({ days_kept: 0 });
  expect(await revenue()).toBe(5_001n);
  expect((await sweepAt(database, NOW, "full")).days_kept).toBeGreaterThan(5);
  expect(await revenue()).toBe(5_000n);
});

test("kept days of an earlier time zone are not read, and the next sweep keeps them anew", async () => {
  await take(paymentEvent());
  await sweepAt(database, NOW);
  await spoil();
  await pool.query("update locations set time_zone = 'Asia/Tokyo'");
  expect(await revenue()).toBe(5_000n);
  expect((await sweepAt(database, NOW)).days_kept).toBeGreaterThan(5);
  await spoil();
  expect(await revenue()).toBe(5_001n);
});

test("a sweep without time keeps some days, and the next ones the rest", async () => {
  await take(paymentEvent(), paymentEvent({ id: "old", created_at: "2024-03-05T10:00:00Z" }));
  const kept: number[] = [];
  do kept.push((await sweepAt(database, NOW, "recent", { timeBudgetMs: 0 })).days_kept);
  while (kept.at(-1) !== 0);
  expect(kept).toEqual([366, 366, 85, 0]);
});

test("a sweep that is stopped keeps no more days", async () => {
  await take(paymentEvent());
  const stop = new AbortController();
  stop.abort();
  const keeping = { pool, clock: () => NOW, signal: stop.signal, onKept: () => {} };
  await keepDays(keeping, salon, { anew: false, until: Number.POSITIVE_INFINITY });
  expect((await pool.query("select from kept_days")).rowCount).toBe(0);
});
