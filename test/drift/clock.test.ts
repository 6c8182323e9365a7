import { beforeEach, describe, expect, it } from "vitest";
import { type Salon, simulateSalon } from "../../src/simulator/salon.js";
import type { SweepMode } from "../../src/sweep/report.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { nothingWrong, sweepAt, tuples } from "../support/sweeping.js";
import { analyticsDifferences, makeOrganization, readFacts, takeIn } from "../support/worlds.js";

const DAY = 86_400_000;
const END = new Date("2026-02-26T20:00:00Z");
const MERCHANT = "M-CLOCK";

const database = await openTestDatabase();
const salon: Salon = simulateSalon({
  seed: "clock",
  start: new Date(END.getTime() - 400 * DAY),
  end: END,
  customers: 40,
  merchantId: MERCHANT,
});
const events = [...salon.events()].map(({ event }) => event);
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  organizationId = await makeOrganization(database, MERCHANT);
  await takeIn(database, events, END, 1_000);
});

async function dueAt(now: Date): Promise<Set<string>> {
  const { rows } = await database.pool.query<{ id: string }>(
    "select organization_id || '/' || square_customer_id as id from customer_analytics where refresh_due_at <= $1",
    [now],
  );
  return new Set(rows.map(({ id }) => id));
}

async function differencesAt(now: Date): Promise<string[]> {
  return analyticsDifferences(database, organizationId, await readFacts(database, organizationId), now);
}

/** Passes the time to `now` with one sweep. @returns how many rows came due */
async function sweepsExactly(now: Date, mode: SweepMode = "recent"): Promise<number> {
  const due = await dueAt(now);
  const before = await tuples(database);
  const report = await sweepAt(database, now, mode);
  expect(report).toMatchObject({ ...nothingWrong, time_decayed: due.size, checked: before.size });
  expect(await differencesAt(now)).toEqual([]);
  const after = await tuples(database);
  expect(after.size).toBe(before.size);
  for (const [id, tuple] of before) {
    if (due.has(id)) expect(after.get(id), id).not.toBe(tuple);
    else expect(after.get(id), id).toBe(tuple);
  }
  return due.size;
}

describe("after days without events a sweep makes every row exact, and writes only those that came due", () => {
  it("every six hours over a week, and then after longer and longer pauses", async () => {
    let written = 0;
    for (let hour = 6; hour <= 7 * 24; hour += 6) {
      written += await sweepsExactly(new Date(END.getTime() + hour * 3_600_000));
    }
    expect(written).toBeGreaterThan(10);
    for (const [days, mode] of [
      [31, "recent"],
      [43, "full"],
      [91, "recent"],
      [400, "recent"],
    ] as const) {
      const now = new Date(END.getTime() + days * DAY);
      expect((await differencesAt(now)).length).toBeGreaterThan(0);
      expect(await sweepsExactly(now, mode)).toBeGreaterThan(0);
    }
  });

  it("once after 43 days, and a second sweep finds nothing to do", async () => {
    const now = new Date(END.getTime() + 43 * DAY);
    expect(await sweepsExactly(now)).toBeGreaterThan(0);
    expect(await sweepAt(database, now)).toMatchObject(nothingWrong);
    expect(await sweepsExactly(now)).toBe(0);
  });
});
