import { beforeEach, expect, test } from "vitest";
import type { BackfillProgress } from "../../src/pull/backfill.js";
import type { Habit } from "../../src/simulator/salon.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import { comparableTables, connectSalon, openSquareWorld, type SquareWorld } from "../support/square.js";
import { pullOnce, runBackfill } from "../support/square-context.js";
import { turbulence } from "../support/turbulence.js";

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

const salonOptions = {
  seed: "backfilled",
  customers: 20,
  rates: { ...turbulence.rates, profileDeleted: 0 },
};

const noHabits: Record<Habit, number> = {
  weekly: 0,
  biweekly: 0,
  monthly: 0,
  bimonthly: 0,
  occasional: 0,
  once: 0,
  wavering: 0,
  retail: 0,
  profile: 0,
};

/** The tables of a salon that got every webhook, and fetched what no event carries. */
async function byWebhooks(world: SquareWorld) {
  const id = await connectSalon(database, world);
  const events = [...world.salon.events()].map(({ event }) => received(event));
  for (let at = 0; at < events.length; at += 100) {
    await Promise.all(events.slice(at, at + 100).map((event) => world.context.inbox.receive(event)));
  }
  await pullOnce(world, id);
  const tables = await comparableTables(database, id);
  await emptyDatabase(database);
  return tables;
}

test("a backfill of an empty database gives the tables that webhooks alone give", async () => {
  const world = await openSquareWorld(database, salonOptions);
  const expected = await byWebhooks(world);
  const id = await connectSalon(database, world);
  const shown = new Map<string, BackfillProgress>();
  const first = await runBackfill(world, id, {}, (progress) => shown.set(progress.phase, progress));
  expect(first.errors).toEqual([]);
  expect(first.resumed).toBe(false);
  const { checked } = first.recomputed;
  expect(shown.get("recomputing")).toMatchObject({ done: checked, total: checked });
  const tables = await comparableTables(database, id);
  expect(tables).toEqual(expected);

  const second = await runBackfill(world, id);
  expect(second.pulled.applied, "running it twice changes nothing").toBe(0);
  expect(second.recomputed).toMatchObject({ written: 0, deleted: 0 });
  expect(await comparableTables(database, id)).toEqual(tables);

  const swept = await pullOnce(world, id);
  expect(swept.pulled.applied, "the next pull goes on where the backfill began").toBe(0);
  expect(swept.pulled.payments).toBe(0);
});

test("a window is read from its beginning if Square has forgotten the cursor", async () => {
  const world = await openSquareWorld(database, {
    ...salonOptions,
    customers: 260,
    mix: { ...noHabits, profile: 1 },
  });
  const expected = await byWebhooks(world);
  const id = await connectSalon(database, world);
  world.square.fail({ kind: "status", status: 401 }, { on: "GET /v2/customers", after: 1 });
  await expect(runBackfill(world, id)).rejects.toMatchObject({ code: "square_unauthorized" });
  world.square.forgetCursors();
  expect(await runBackfill(world, id)).toMatchObject({ resumed: true, errors: [] });
  expect(await comparableTables(database, id)).toEqual(expected);
});

test("a failed list is left to the next run, and the other lists are read", async () => {
  const world = await openSquareWorld(database, salonOptions);
  const expected = await byWebhooks(world);
  const id = await connectSalon(database, world);
  world.square.fail({ kind: "status", status: 500 }, { on: "GET /v2/customers", times: 2 });
  const first = await runBackfill(world, id);
  expect(first).toMatchObject({
    unread: ["customers"],
    errors: [{ step: "customers", code: "square_unavailable" }],
  });
  expect(first.recomputed.written).toBeGreaterThan(0);
  const requests = world.square.requests.length;
  expect(await runBackfill(world, id)).toMatchObject({ resumed: true, unread: [], errors: [] });
  const lists = world.square.requests.slice(requests).filter(({ path }) => path === "/v2/payments");
  expect(lists, "what was read is not read again").toEqual([]);
  expect(await comparableTables(database, id)).toEqual(expected);
});

test("three failed lists in a row end a backfill", async () => {
  const world = await openSquareWorld(database, { ...salonOptions, customers: 2 });
  for (const _ of world.salon.events());
  const id = await connectSalon(database, world);
  world.square.fail({ kind: "status", status: 500 }, { times: 100, after: 3 });
  await expect(runBackfill(world, id)).rejects.toMatchObject({ code: "square_unavailable" });
});

test("--since omits older objects and moves no watermark", async () => {
  const world = await openSquareWorld(database, salonOptions);
  for (const _ of world.salon.events());
  const id = await connectSalon(database, world);
  const since = new Date("2026-05-01T00:00:00Z");
  await runBackfill(world, id, { since });
  const { bookings } = await comparableTables(database, id);
  const younger = [...world.salon.truth.bookings.values()].filter(
    ({ start_at }) => new Date(start_at) >= since,
  );
  expect(bookings).toHaveLength(younger.length);
  await pullOnce(world, id);
  expect((await comparableTables(database, id)).bookings).toHaveLength(world.salon.truth.bookings.size);
});
