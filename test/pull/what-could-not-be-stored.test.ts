import { beforeEach, expect, onTestFinished, test } from "vitest";
import { savePosition } from "../../src/database/positions.js";
import { QueueFull } from "../../src/inbox/group-commit.js";
import { type BackfillResult, backfill } from "../../src/pull/backfill.js";
import type { BookingJson, CustomerJson } from "../../src/simulator/objects.js";
import { sweep } from "../../src/sweep/sweep.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { mergeEvents, received } from "../support/events.js";
import { connectSalon, openSquareWorld, type SquareWorld } from "../support/square.js";
import { reportOf } from "../support/sweeping.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

const run = async ({ context }: SquareWorld, mode: "recent" | "full" = "recent") =>
  reportOf(await sweep(context, mode));

/** A salon that has been swept, so that nothing is left to be found. */
async function open() {
  const rates = { profileDeleted: 0, merged: 0 };
  const world = await openSquareWorld(database, { seed: "reviewed", customers: 8, rates });
  for (const _ of world.salon.events());
  const id = await connectSalon(database, world);
  expect((await run(world)).errors).toEqual([]);
  world.clock.advance(HOUR);
  expect((await run(world)).pulled.applied).toBe(0);
  world.clock.advance(HOUR);
  const rows = async (table: string) => (await tablesOf(database, id))[table] ?? [];
  return { world, id, rows, truth: world.salon.truth };
}

/** Two live profiles. The first one is merged into the second. */
function pair({ truth }: Awaited<ReturnType<typeof open>>): [CustomerJson, CustomerJson] {
  const [source, survivor] = [...truth.customers.values()];
  if (!source || !survivor) throw new Error("the salon has no customers");
  return [source, survivor];
}

const wire = (instant: number) => new Date(instant).toISOString().replace(".000", "");

test("a merged profile that cannot be read is named, and the others are still requested", async () => {
  const salon = await open();
  const { world, truth, id } = salon;
  const [source, survivor] = pair(salon);
  const merchant_id = world.salon.merchantId;
  // Only the survivor's event arrives, so the source still has a profile here.
  const [made] = mergeEvents([source.id], survivor.id, wire(world.clock.now.getTime() - DAY));
  await world.context.inbox.receive(received({ ...made, merchant_id }));
  truth.customers.set(source.id, { ...source, version: "none" as never });
  const deleted = [...truth.customers.values()].at(-1) as CustomerJson;
  truth.customers.delete(deleted.id);
  const report = await run(world);
  expect(report.errors).toEqual([
    expect.objectContaining({ organization_id: id, step: "customers", code: "not_stored" }),
  ]);
  world.clock.advance(60 * 60_000);
  await run(world);
  const { rows } = await database.pool.query(
    "select deleted_at from customers where square_customer_id = $1",
    [deleted.id],
  );
  expect(rows[0]?.deleted_at).not.toBeNull();
});

test("an object with an id that cannot be stored is an error, and the report is stored", async () => {
  const { world, truth } = await open();
  const [booking] = truth.bookings.values();
  const start_at = wire(world.clock.now.getTime() + DAY);
  for (const strange of ["nul\u0000", "half\ud800", `${"x".repeat(99)}\u{1f600}`]) {
    truth.bookings.set(strange, { ...(booking as BookingJson), id: strange, start_at, status: 7 as never });
  }
  const report = await run(world);
  expect(report.errors).toHaveLength(3);
  const { rows } = await database.pool.query(
    "select status, payload from application_logs where log_id = $1",
    [report.cron_id],
  );
  expect(rows[0]).toMatchObject({ status: "error", payload: { errors: report.errors } });
});

test("a watermark in the future hides no change", async () => {
  const { world, id, truth, rows } = await open();
  const now = world.clock.now.getTime();
  const tasks = (await rows("sync_positions")).filter(({ position }) => "watermark" in (position as object));
  for (const { task } of tasks) {
    const watermark = new Date(now + 30 * DAY).toISOString();
    await savePosition(database.pool, id, String(task), { watermark }, world.clock.now);
  }
  const payment = [...truth.payments.values()][0];
  if (!payment) throw new Error("the salon has no payments");
  truth.payments.set(payment.id, { ...payment, order_id: "changed", updated_at: wire(now - HOUR) });
  const report = await run(world);
  expect(report.errors).toEqual([]);
  expect((await rows("payments")).find((row) => row.payment_id === payment.id)?.order_id).toBe("changed");
  for (const { task, position } of await rows("sync_positions")) {
    const { watermark } = position as { watermark?: string };
    if (watermark !== undefined) expect(Date.parse(watermark), String(task)).toBeLessThanOrEqual(now);
  }
});

test("an object that a backfill could not store moves no watermark, even in a continued run", async () => {
  const world = await openSquareWorld(database, { seed: "cut off", customers: 8 });
  for (const _ of world.salon.events());
  const { truth } = world.salon;
  const payment = [...truth.payments.values()].sort((a, b) => (a.updated_at < b.updated_at ? -1 : 1))[0];
  if (!payment) throw new Error("the salon has no payments");
  truth.payments.set(payment.id, { ...payment, amount_money: { amount: "a lot" as never, currency: "USD" } });
  const id = await connectSalon(database, world);
  world.square.fail({ kind: "status", status: 401 }, { on: "POST /v2/customers/bulk-retrieve" });
  const backfilled = async () => {
    const steps = backfill(world.context, id, {});
    for (;;) {
      const { value, done } = await steps.next();
      if (done) return value as BackfillResult;
    }
  };
  await expect(backfilled()).rejects.toMatchObject({ code: "square_unauthorized" });
  expect(await backfilled()).toMatchObject({
    resumed: true,
    errors: [{ code: "not_stored" }],
  });

  truth.payments.set(payment.id, payment);
  world.clock.advance(HOUR);
  expect((await run(world)).errors).toEqual([]);
  const stored = (await tablesOf(database, id)).payments ?? [];
  expect(stored.map((row) => row.payment_id)).toContain(payment.id);
});

test("a full sweep reads bookings two years ahead, like a backfill", async () => {
  const { world, truth, rows } = await open();
  const [booking] = truth.bookings.values();
  const start_at = wire(world.clock.now.getTime() + 700 * DAY);
  truth.bookings.set("FARAHEAD", {
    ...(booking as BookingJson),
    id: "FARAHEAD",
    start_at,
    status: "ACCEPTED",
  });
  await run(world, "full");
  expect((await rows("bookings")).map((row) => row.booking_id)).toContain("FARAHEAD");
});

test("a booking that was in the future at the last pull and was moved far away is found by its id", async () => {
  const { world, truth, rows } = await open();
  const [any] = truth.bookings.values();
  const booking = { ...(any as BookingJson), id: "MOVED", status: "ACCEPTED" as const };
  const at = (days: number) => wire(world.clock.now.getTime() + days * DAY);
  truth.bookings.set("MOVED", { ...booking, start_at: at(1) });
  await run(world);
  const moved = at(300);
  truth.bookings.set("MOVED", { ...booking, start_at: moved, version: booking.version + 1 });
  world.clock.advance(3 * DAY);
  await run(world);
  const stored = (await rows("bookings")).find((row) => row.booking_id === "MOVED");
  expect(wire(Date.parse(String(stored?.start_at)))).toBe(moved);
});

test("an object that exceeds a limit of the database is named, and the others are stored", async () => {
  const { world, id, truth, rows } = await open();
  const { pool } = database;
  await pool.query(`create function exhaust() returns trigger language plpgsql as
    $$ begin raise exception using errcode = 'out_of_memory'; end $$`);
  onTestFinished(async () => void (await pool.query("drop function exhaust cascade")));
  await pool.query(`create trigger exhaust before insert on bookings
    for each row when (new.booking_id = 'TOOMUCH') execute function exhaust()`);
  const [any] = truth.bookings.values();
  const start_at = wire(world.clock.now.getTime() + DAY);
  for (const booking of ["TOOMUCH", "NEIGHBOUR"]) {
    truth.bookings.set(booking, { ...(any as BookingJson), id: booking, start_at });
  }
  const report = await run(world);
  expect(report.errors).toEqual([
    { organization_id: id, step: "bookings", code: "not_stored", message: "TOOMUCH: error 53200" },
  ]);
  expect((await rows("bookings")).map((row) => row.booking_id)).toContain("NEIGHBOUR");
});

test("while the inbox is full, events from Square's search wait for the next sweep, and everything else is pulled", async () => {
  const start = new Date("2026-05-06T00:00:00Z");
  const world = await openSquareWorld(
    database,
    { seed: "busy", customers: 4, start },
    { eventsEnabled: true },
  );
  for (const _ of world.salon.events());
  const id = await connectSalon(database, world);
  const { context } = world;
  const full = { retryDue: async () => 0, receive: () => Promise.reject(new QueueFull()) };
  const report = reportOf(await sweep({ ...context, inbox: full }, "recent"));
  expect(report.errors).toEqual([
    expect.objectContaining({ organization_id: id, step: "events", code: "queue_full" }),
  ]);
  expect(report.pulled.payments).toBe(world.salon.truth.payments.size);
  const tasks = ((await tablesOf(database, id)).sync_positions ?? []).map(({ task }) => task);
  expect(tasks).toContain("pull/customers");
  expect(tasks).not.toContain("pull/events");
  const next = await run(world);
  expect(next.errors).toEqual([]);
  expect(next.pulled.events).toBeGreaterThan(0);
});
