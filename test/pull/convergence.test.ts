import { beforeEach, expect, inject, test } from "vitest";
import { Random } from "../../src/simulator/random.js";
import type { SalonEvent } from "../../src/simulator/salon.js";
import type { SweepReport } from "../../src/sweep/report.js";
import { sweep } from "../../src/sweep/sweep.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import type { FaultySquare } from "../support/fake-square.js";
import { withGaps } from "../support/rarities.js";
import { comparableTables, connectSalon, openSquareWorld, type SquareWorld } from "../support/square.js";
import { turbulence } from "../support/turbulence.js";

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

const HOUR = 60 * 60_000;

/** The embedded database is slower and runs the same code, so it gets fewer salons. */
const SALONS = inject("databasePrefix") === undefined ? 8 : 24;

const END = new Date("2026-06-01T00:00:00Z");

type Fault = Parameters<FaultySquare["fail"]>[0];

/** Each fault occurs once over all salons. It hits both attempts of a request. */
const faults: readonly Fault[] = [
  { kind: "status", status: 500 },
  { kind: "status", status: 401 },
  { kind: "html" },
  { kind: "empty-errors" },
  { kind: "errors-with-200" },
  { kind: "truncated" },
  { kind: "empty-body" },
  { kind: "wrong-shape" },
  { kind: "reset" },
  { kind: "reset-in-body" },
  { kind: "no-answer" },
  { kind: "endless-body" },
  { kind: "rate-limited", seconds: 3 },
  { kind: "same-cursor" },
  { kind: "ever-new-cursors" },
  { kind: "status", status: 403 },
];

const lists = [
  "GET /v2/bookings",
  "GET /v2/payments",
  "GET /v2/refunds",
  "POST /v2/customers/search",
  "POST /v2/customers/bulk-retrieve",
  "GET /v2/locations",
  "POST /v2/team-members/search",
  "POST /v2/catalog/search",
];

async function deliver({ context }: SquareWorld, events: readonly SalonEvent[]) {
  for (let at = 0; at < events.length; at += 40) {
    await Promise.all(events.slice(at, at + 40).map(({ event }) => context.inbox.receive(received(event))));
  }
}

async function recentSweep({ context }: SquareWorld): Promise<SweepReport> {
  const report = await sweep(context, "recent");
  if ("skipped" in report) throw new Error("another sweep was running");
  return report;
}

/** A tenth of the events is lost, a fifth comes twice, six hours are missing, and all are shuffled. */
function mistreated(events: readonly SalonEvent[], random: Random): SalonEvent[] {
  const outage = random.between(Date.parse("2026-04-01T00:00:00Z"), END.getTime() - 6 * HOUR);
  const arrived = events.filter(
    ({ at }) => !random.chance(0.1) && !(at.getTime() >= outage && at.getTime() < outage + 6 * HOUR),
  );
  return random.shuffle([...arrived, ...arrived.filter(() => random.chance(0.2))]);
}

/** Only events report a profile that was merged and later deleted. So a salon has either merges or deletions. */
const certainties = [{ profileDeleted: 0 }, { merged: 0 }];

/** Two of three salons have a fault: each has another one, in another list. The third finds no profile by id, once. */
const salons = Array.from({ length: SALONS }, (_, index) => ({
  salon: index + 1,
  fault: index % 3 === 2 ? undefined : faults[(2 * Math.floor(index / 3) + (index % 3)) % faults.length],
  on: lists[(index + Math.floor(index / lists.length)) % lists.length] as string,
}));

/** A refusal is final at once. Every other fault hits both attempts of a request. */
function timesOf(fault: Fault): number {
  return fault.kind === "status" && fault.status < 500 ? 1 : 2;
}

test.each(salons)(
  "whatever was lost, doubled or out of order, the sweep ends with the true tables (salon $salon, $fault.kind on $on)",
  async ({ salon, fault, on }) => {
    const world = await openSquareWorld(
      database,
      {
        seed: `converges ${salon}`,
        start: new Date("2026-04-01T00:00:00Z"),
        end: END,
        customers: 6,
        rates: { ...turbulence.rates, ...certainties[salon % 2] },
      },
      // Only where an answer never ends, somebody waits for it. A busy machine answers late.
      { timeoutMs: fault?.kind === "no-answer" || fault?.kind === "endless-body" ? 3_000 : 30_000 },
    );
    const { clock, square, salon: simulated } = world;
    const events = [...simulated.events()].map(({ at, event }) => ({ at, event: withGaps(event) }));
    clock.now = new Date(END.getTime() + HOUR);
    await connectSalon(database, world);
    await deliver(world, events);
    expect((await recentSweep(world)).errors).toEqual([]);
    clock.advance(2 * HOUR);
    await recentSweep(world);
    const expected = await comparableTables(database, await organizationId());

    await emptyDatabase(database);
    await connectSalon(database, world);
    // The lists lag by a minute, so they do not show the last change.
    clock.now = new Date(END.getTime() + 30_000);
    square.lagMs = 60_000;
    const random = new Random(`mistreated ${salon}`);
    await deliver(world, mistreated(events, random));
    if (fault) square.fail(fault, { on, times: timesOf(fault) });
    else square.fail({ kind: "finds-nobody" }, { on: "POST /v2/customers/bulk-retrieve" });
    const first = await recentSweep(world);
    const { pulled } = first;
    const { applied, skipped, ...read } = pulled;
    expect(applied + skipped).toBe(Object.values(read).reduce((sum, count) => sum + count, 0));
    expect([first.drifted, first.created, first.deleted, first.complete]).toEqual([0, 0, 0, true]);
    if (fault === undefined) {
      expect(first.errors).toEqual([]);
      expect(pulled.refunds).toBeLessThanOrEqual(simulated.truth.refunds.size);
    }

    clock.now = new Date(END.getTime() + 2 * HOUR);
    const second = await recentSweep(world);
    expect(second.errors, `the first sweep said ${JSON.stringify(first.errors)}`).toEqual([]);
    // A deletion without an event needs the answers of two pulls.
    clock.now = new Date(END.getTime() + 3 * HOUR);
    expect((await recentSweep(world)).errors).toEqual([]);
    expect(await comparableTables(database, await organizationId())).toEqual(expected);
  },
);

async function organizationId(): Promise<string> {
  const { rows } = await database.pool.query("select id from organizations");
  return rows[0].id;
}

test("a fault is reported with its organization and step, and the watermark does not move", async () => {
  const world = await openSquareWorld(database, { seed: "told", customers: 4 });
  for (const _ of world.salon.events());
  const id = await connectSalon(database, world);
  world.square.fail({ kind: "html" }, { on: "GET /v2/refunds", times: 2 });
  const report = await recentSweep(world);
  expect(report.success).toBe(false);
  expect(report.errors).toEqual([
    expect.objectContaining({ organization_id: id, step: "refunds", code: "square_invalid_response" }),
  ]);
  const { rows } = await database.pool.query("select task from sync_positions where organization_id = $1", [
    id,
  ]);
  const tasks = rows.map(({ task }) => task);
  expect(tasks).not.toContain("pull/refunds");
  expect(tasks).toContain("pull/customers");
  const again = await recentSweep(world);
  expect(again.success).toBe(true);
  expect(again.pulled.refunds).toBe(world.salon.truth.refunds.size);
});

test("one organization's refused token does not stop another's pull", async () => {
  const refused = await openSquareWorld(database, { seed: "refused", customers: 3, merchantId: "MLREFUSED" });
  const served = await openSquareWorld(database, { seed: "served", customers: 3, merchantId: "MLSERVED" });
  for (const world of [refused, served]) for (const _ of world.salon.events());
  const without = await connectSalon(database, refused);
  await connectSalon(database, served);
  // The server knows only one of the merchants. Both organizations have the same token.
  const report = await recentSweep(served);
  expect(report.errors).toEqual([
    expect.objectContaining({ organization_id: without, step: "connect", code: "wrong_merchant" }),
  ]);
  expect(report.pulled.bookings).toBe(served.salon.truth.bookings.size);
});
