import { beforeEach, describe, expect, it } from "vitest";
import { recomputeCameDue } from "../../src/drift/due.js";
import { addSalon } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { contextAt, sweepAt, tuples } from "../support/sweeping.js";
import { analyticsDifferences, readFacts } from "../support/worlds.js";
import { insert, uncomputablePayment } from "../support/worlds-insert.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const HOUR = 3_600_000;
const database = await openTestDatabase();
const later = (hours: number) => new Date(NOW.getTime() + hours * HOUR);
let organizations: string[];

/** For each organization: one booking per hour, each of another customer. */
beforeEach(async () => {
  await emptyDatabase(database);
  organizations = [await addSalon(database, "M-1"), await addSalon(database, "M-2")];
  for (const id of organizations) {
    const bookings = [1, 2, 3, 4].map((hours) => ({
      booking_id: `b${hours}`,
      customer_id: `c${hours}`,
      start_at: later(hours),
      duration_minutes: 0,
    }));
    await insert(database, id, "bookings", bookings);
  }
  await sweepAt(database, NOW);
});

const recomputeAt = (now: Date, limit?: number) =>
  recomputeCameDue(
    contextAt(database, () => now),
    limit,
  );

async function changedSince(before: Map<string, string>): Promise<string[]> {
  const after = await tuples(database);
  return [...after.keys()].filter((id) => after.get(id) !== before.get(id)).map((id) => id.slice(37));
}

describe("rows that came due", () => {
  it("are recomputed for all organizations, and no other rows are", async () => {
    const before = await tuples(database);
    expect(await recomputeAt(later(2))).toBe(4);
    expect((await changedSince(before)).sort()).toEqual(["c1", "c1", "c2", "c2"]);
    expect(await recomputeAt(later(2))).toBe(0);
    for (const id of organizations) {
      const exact = ["c1", "c2"];
      const facts = await readFacts(database, id);
      const wrong = await analyticsDifferences(database, id, facts, later(2));
      expect(wrong.filter((line) => exact.some((customer) => line.includes(customer)))).toEqual([]);
    }
  });

  it("are recomputed up to the limit, those that are due longest first", async () => {
    const before = await tuples(database);
    expect(await recomputeAt(later(5), 3)).toBe(3);
    expect((await changedSince(before)).sort()).toEqual(["c1", "c1", "c2"]);
    expect(await recomputeAt(later(5), 3)).toBe(3);
    expect(await recomputeAt(later(5), 3)).toBe(2);
    expect(await recomputeAt(later(5), 3)).toBe(0);
  });

  it("are due at their instant, and not a millisecond before", async () => {
    expect(await recomputeAt(new Date(later(1).getTime() - 1))).toBe(0);
    expect(await recomputeAt(later(1))).toBe(2);
  });

  it("that have drifted too are corrected, and the drift is logged", async () => {
    await database.pool.query(
      "update customer_analytics set total_bookings = 9 where square_customer_id = 'c1'",
    );
    const warnings: [object, string][] = [];
    const log = {
      info: () => {},
      error: () => {},
      warn: (fields: object, message: string) => void warnings.push([fields, message]),
    };
    expect(await recomputeCameDue(contextAt(database, () => later(1), { log }))).toBe(2);
    expect(warnings).toEqual(
      organizations
        .toSorted()
        .map((organization_id) => [
          { organization_id, drifted: 1, columns: ["total_bookings"] },
          "drift in due rows",
        ]),
    );
    expect(await sweepAt(database, later(1))).toMatchObject({ drifted: 0, time_decayed: 0 });
  });

  it("that cannot be computed are logged and do not stop the others", async () => {
    await insert(database, organizations[0] as string, "payments", [uncomputablePayment("c1")]);
    const errors: object[] = [];
    const log = { info: () => {}, warn: () => {}, error: (fields: object) => void errors.push(fields) };
    expect(await recomputeCameDue(contextAt(database, () => later(2), { log }))).toBe(3);
    expect(errors).toEqual([{ organization_id: organizations[0], customer_id: "c1", reason: "error 22008" }]);
  });
});
