import { beforeEach, expect, test } from "vitest";
import type { BookingJson, CustomerJson } from "../../src/simulator/objects.js";
import type { SweepReport } from "../../src/sweep/report.js";
import { sweep } from "../../src/sweep/sweep.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, customerEvent, received } from "../support/events.js";
import { comparableTables, connectSalon, openSquareWorld, type SquareWorld } from "../support/square.js";
import { runBackfill } from "../support/square-context.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

const DAY = 24 * 60 * 60_000;

async function run(world: SquareWorld): Promise<SweepReport> {
  const report = await sweep(world.context, "recent");
  if ("skipped" in report) throw new Error("another sweep was running");
  return report;
}

/** A salon that has been swept, so that nothing is left to be found. */
async function open() {
  const world = await openSquareWorld(database, { seed: "repaired", customers: 12, rates: undisturbed });
  for (const _ of world.salon.events());
  const id = await connectSalon(database, world);
  expect((await run(world)).errors).toEqual([]);
  world.clock.advance(60 * 60_000);
  await run(world);
  const rows = async (table: string) => (await tablesOf(database, id))[table] ?? [];
  const { truth } = world.salon;
  /** A customer with visits in a window that every pull reads. */
  const booking = [...truth.bookings.values()].find(
    ({ start_at, status, customer_id, appointment_segments }) =>
      status === "ACCEPTED" &&
      customer_id !== undefined &&
      appointment_segments.length > 0 &&
      Date.parse(start_at) > world.clock.now.getTime() - 50 * DAY,
  ) as BookingJson;
  return { world, id, rows, truth, booking };
}

const undisturbed = { profileDeleted: 0, merged: 0 };

test.each([
  ["a changed status", "update bookings set status = 'NO_SHOW' where booking_id = $1"],
  ["another version", "update bookings set version = version + 7, raw = '{}' where booking_id = $1"],
  [
    "another owner",
    "update bookings set customer_id = 'nobody', reported_customer_id = 'nobody' where booking_id = $1",
  ],
  ["an owner by mistake", "update bookings set customer_id = 'nobody' where booking_id = $1"],
  ["a deleted row", "delete from bookings where booking_id = $1"],
  ["changed segments", "update booking_segments set team_member_id = 'nobody' where booking_id = $1"],
  ["deleted segments", "delete from booking_segments where booking_id = $1"],
])("a booking that was damaged by hand comes back: %s", async (_what, damage) => {
  const { world, id, booking } = await open();
  const before = await comparableTables(database, id);
  const { rowCount } = await database.pool.query(damage, [booking.id]);
  expect(rowCount).toBeGreaterThan(0);
  const report = await run(world);
  expect(report).toMatchObject({ success: true, pulled: { applied: 1 } });
  expect(await comparableTables(database, id)).toEqual(before);
  expect((await run(world)).pulled.applied, "and nothing is left to do").toBe(0);
});

test("an API copy replaces a different webhook copy of the same version, and that webhook cannot replace it again", async () => {
  const { world, id, booking, rows } = await open();
  const stored = async () =>
    (await rows("bookings")).find((row) => row.booking_id === booking.id)?.seller_note;
  // Copies of one version and time, so only the content's hash decides between them.
  const copies = ["a", "b", "c", "d", "e"].map((seller_note) =>
    received(bookingEvent({ ...booking, seller_note }, { merchant_id: world.salon.merchantId })),
  );
  for (const copy of copies) await world.context.inbox.receive(copy);
  await run(world);
  expect(await stored()).toBe(booking.seller_note || null);
  const again = ["f", "g", "h", "i", "j"].map((seller_note) =>
    received(bookingEvent({ ...booking, seller_note }, { merchant_id: world.salon.merchantId })),
  );
  expect(await Promise.all(again.map((copy) => world.context.inbox.receive(copy)))).toEqual(
    again.map(() => "stale"),
  );
  expect(await stored()).toBe(booking.seller_note || null);
  expect(id).toBeDefined();
});

test("a list that is behind a webhook changes nothing", async () => {
  const { world, booking, rows } = await open();
  const newer = { ...booking, version: booking.version + 1, seller_note: "newer" };
  const event = bookingEvent(newer, { merchant_id: world.salon.merchantId });
  expect(await world.context.inbox.receive(received(event))).toBe("processed");
  const report = await run(world);
  expect(report.pulled.applied).toBe(0);
  expect((await rows("bookings")).find((row) => row.booking_id === booking.id)?.seller_note).toBe("newer");
});

test("absence from every list deletes nothing", async () => {
  const { world, id, truth } = await open();
  const before = await comparableTables(database, id);
  for (const objects of [truth.bookings, truth.payments, truth.refunds, truth.teamMembers, truth.catalog]) {
    objects.clear();
  }
  const report = await run(world);
  expect(report.pulled.applied).toBe(0);
  expect(await comparableTables(database, id)).toEqual(before);
});

test("a booking rescheduled far out of its window is found by its id", async () => {
  const { world, truth, rows } = await open();
  const { now } = world.clock;
  const ahead = [...truth.bookings.values()][0] as BookingJson;
  const start_at = new Date(now.getTime() + 20 * DAY).toISOString().replace(".000", "");
  const upcoming = { ...ahead, status: "ACCEPTED" as const, start_at, version: ahead.version + 1 };
  truth.bookings.set(ahead.id, upcoming);
  await run(world);
  const moved = new Date(now.getTime() + 300 * DAY).toISOString().replace(".000", "");
  truth.bookings.set(ahead.id, { ...upcoming, start_at: moved, version: upcoming.version + 1 });
  await run(world);
  const stored = (await rows("bookings")).find((row) => row.booking_id === ahead.id);
  expect(new Date(String(stored?.start_at)).toISOString().replace(".000", "")).toBe(moved);
});

/** A salon with one profile that Square does not find any more. No event reported its deletion. */
async function openWithMissing() {
  const opened = await open();
  const { world, truth, rows } = opened;
  // Without bookings and payments the customer has only a profile.
  const bookers = new Set(
    [...truth.bookings.values(), ...truth.payments.values()].map((fact) => fact.customer_id),
  );
  const profile = [...truth.customers.values()].find(({ id }) => !bookers.has(id)) as CustomerJson;
  truth.customers.delete(profile.id);
  const stored = async () => (await rows("customers")).find((row) => row.square_customer_id === profile.id);
  const sweepLater = async () => {
    world.clock.advance(60 * 60_000);
    return (await run(world)).inferred_deletions;
  };
  const tell = (copy: object) => {
    const event = customerEvent("customer.updated", { ...profile, ...copy }, undefined, {
      merchant_id: world.salon.merchantId,
    });
    return world.context.inbox.receive(received(event));
  };
  return { ...opened, profile, stored, sweepLater, tell };
}

const gone = { deleted_at: expect.anything(), given_name: null, phone_number: null };

test("an inferred deletion needs the answers of two sweeps, and is counted", async () => {
  const { stored, sweepLater, profile } = await openWithMissing();
  expect(await sweepLater()).toBe(0);
  expect(await stored()).toMatchObject({ deleted_at: null, given_name: profile.given_name });
  expect(await sweepLater()).toBe(1);
  expect(await stored()).toMatchObject(gone);
  expect(await sweepLater(), "and is inferred once").toBe(0);
});

test("a profile that Square finds in between is not deleted", async () => {
  const { stored, sweepLater, truth, profile } = await openWithMissing();
  await sweepLater();
  truth.customers.set(profile.id, profile);
  await sweepLater();
  truth.customers.delete(profile.id);
  expect(await sweepLater()).toBe(0);
  expect(await stored()).toMatchObject({ deleted_at: null });
});

test.each([
  ["the stored version from the API", 0, "api"],
  ["a higher version from the API", 1, "api"],
  ["the stored version in a full sweep", 0, "full"],
  ["the stored version in a backfill from the beginning", 0, "backfill"],
  ["an event of the stored version", 0, "event"],
  ["an event of a higher version", 1, "event"],
] as const)("an inferred deletion is beaten by %s", async (_, more, way) => {
  const { world, id, stored, sweepLater, truth, profile, tell } = await openWithMissing();
  expect([await sweepLater(), await sweepLater()]).toEqual([0, 1]);
  const copy = { ...profile, version: profile.version + more };
  if (way === "event") expect(await tell(copy)).toBe("processed");
  else truth.customers.set(profile.id, copy);
  if (way === "api") await sweepLater();
  if (way === "full") await sweep(world.context, "full");
  if (way === "backfill") await runBackfill(world, id, { restart: true });
  expect(await stored()).toMatchObject({
    deleted_at: null,
    given_name: profile.given_name,
    version: copy.version,
    not_found_since: null,
  });
});

test("a later event of the deletion replaces the inferred one", async () => {
  const { stored, sweepLater, profile, tell, world } = await openWithMissing();
  expect([await sweepLater(), await sweepLater()]).toEqual([0, 1]);
  const told = customerEvent("customer.deleted", { ...profile }, undefined, {
    merchant_id: world.salon.merchantId,
  });
  expect(await world.context.inbox.receive(received(told))).toBe("processed");
  expect(await tell({}), "a late update of the version that ended").toBe("stale");
  expect(await stored()).toMatchObject({ ...gone, not_found_since: null });
});

test("a profile that changed just now is not requested, because the answer may be older", async () => {
  const { world, rows } = await open();
  const now = world.clock.now.toISOString();
  const young = { id: "JUSTMADE", version: 0, given_name: "New", created_at: now, updated_at: now };
  const event = customerEvent("customer.created", young, undefined, { merchant_id: world.salon.merchantId });
  expect(await world.context.inbox.receive(received(event))).toBe("processed");
  await run(world);
  const stored = (await rows("customers")).find((row) => row.square_customer_id === "JUSTMADE");
  expect(stored, "Square does not know it by its id yet").toMatchObject({ deleted_at: null });
});

test("an object that cannot be read is named, the others are stored, and the watermark stays", async () => {
  const { world, id, truth, rows } = await open();
  const [broken, healthy] = [...truth.payments.values()];
  if (!broken || !healthy) throw new Error("the salon has no payments");
  const updated_at = world.clock.now.toISOString();
  const amount_money = { amount: "a lot", currency: "USD" } as unknown as typeof broken.amount_money;
  truth.payments.set(broken.id, { ...broken, updated_at, amount_money });
  truth.payments.set(healthy.id, { ...healthy, updated_at, order_id: "changed" });
  world.clock.advance(60_000);
  const task = `pull/payments/${broken.location_id}`;
  const watermark = async () =>
    (await rows("sync_positions")).find((row) => row.task === task)?.position as { watermark: string };
  const before = await watermark();
  const report = await run(world);
  expect(report.errors).toEqual([
    expect.objectContaining({ organization_id: id, step: "payments", code: "not_stored" }),
  ]);
  expect(report.errors[0]?.message).toContain(broken.id);
  expect((await rows("payments")).find((row) => row.payment_id === healthy.id)?.order_id).toBe("changed");
  expect(await watermark()).toEqual(before);

  truth.payments.set(broken.id, { ...broken, updated_at });
  expect((await run(world)).success).toBe(true);
  expect(await watermark()).not.toEqual(before);
});
