import { beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../src/simulator/random.js";
import {
  expectedAnalytics,
  explainTableDifferences,
  type FactTables,
  toIso,
  toMicros,
} from "../oracle/index.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld, type RandomWorld } from "../support/random-worlds.js";
import {
  analyticsDifferences,
  customerIdsOf,
  customerViewDifferences,
  dailyDifferences,
  dailyOf,
  readFacts,
  readRows,
  recomputeAt,
} from "../support/worlds.js";

/** Every history has a seed. A failure names it. */
const HISTORIES = casesHere(50);
const AT_ONCE = 10;
/** How often the clock passes the earliest refresh_due_at in each history. */
const STEPS = 2;
/** The number of compared instants of each history, besides its end. */
const INSTANTS = 2;
const DAY = 86_400_000_000n;

const database = await openTestDatabase();
beforeEach(() => emptyDatabase(database));

const firstSeeds = Array.from({ length: Math.ceil(HISTORIES / AT_ONCE) }, (_, index) => index * AT_ONCE);

describe.each(firstSeeds)("random histories from seed %i", (firstSeed) => {
  const seeds = Array.from({ length: AT_ONCE }, (_, index) => firstSeed + index);

  it("every column and view equals the oracle's, and every row is due when it changes", async () => {
    for (const seed of seeds) {
      const world = await makeRandomWorld(database, seed);
      const facts = await readFacts(database, world.organizationId);
      const problems = [
        ...(await dailyDifferences(database, world.organizationId, dailyOf(facts))),
        ...(await compareAtInstants(world, facts, new Random(`instants ${seed}`))),
        ...(await passTheTime(world, facts, new Random(`time ${seed}`))),
      ];
      expect(problems, `seed ${seed}`).toEqual([]);
    }
  });
});

/** Recomputes all customers at several instants, and compares all rows with the oracle's. */
async function compareAtInstants(
  { organizationId, start, end }: RandomWorld,
  facts: FactTables,
  random: Random,
): Promise<string[]> {
  const ids = customerIdsOf(facts);
  const instants = [
    toIso(toMicros(end)),
    toIso(toMicros(start) - DAY),
    ...Array.from({ length: INSTANTS }, () => boundary(facts, random)),
  ];
  const problems: string[] = [];
  for (const now of instants) {
    await recomputeAt(database, organizationId, ids, now);
    const found = await analyticsDifferences(database, organizationId, facts, now);
    problems.push(...found.map((difference) => `at ${now}: ${difference}`));
    if (now === instants[0])
      problems.push(...(await customerViewDifferences(database, organizationId, facts, now)));
  }
  return problems;
}

/** An instant at which some value changes, or a microsecond before or after it. */
function boundary(facts: FactTables, random: Random): string {
  const turns = [
    ...facts.bookings.map((booking) => booking.start_at),
    ...facts.payments.map((payment) => payment.created_at),
  ];
  if (turns.length === 0) return "2026-01-01T00:00:00Z";
  const days = BigInt(random.pick([0, 0, 7, 14, 30, 42, 90, 365]));
  return toIso(toMicros(random.pick(turns)) + days * DAY + BigInt(random.int(-1, 1)));
}

/**
 * A row is exact from computed_at until refresh_due_at: no value changes before that instant, and one changes at
 * it.
 */
async function passTheTime(
  { organizationId, start, end }: RandomWorld,
  facts: FactTables,
  random: Random,
): Promise<string[]> {
  const ids = customerIdsOf(facts);
  const recomputed = async (now: string) => {
    const { written, deleted } = await recomputeAt(database, organizationId, ids, now);
    return [...written, ...deleted];
  };
  const begin = new Date(random.between(start.getTime(), end.getTime()));
  await recomputed(begin.toISOString());
  let rows = await readRows(database, organizationId, "customer_analytics");
  const problems: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    const [due] = rows.flatMap((row) => row.refresh_due_at ?? []).sort();
    if (typeof due !== "string") break;
    const early = await recomputed(toIso(toMicros(due) - 1n));
    if (early.length > 0) problems.push(`${early} changed before ${due}`);

    await recomputed(due);
    const before = new Map(rows.map((row) => [row.square_customer_id, row]));
    rows = await readRows(database, organizationId, "customer_analytics");
    for (const row of rows) {
      const was = before.get(row.square_customer_id);
      const owed = was?.refresh_due_at === due;
      if (owed !== (valuesOf(row) !== valuesOf(was)))
        problems.push(`${row.square_customer_id} ${owed ? "did not change" : "changed"} at ${due}`);
    }
    const wanted = expectedAnalytics(facts, due).values();
    const differences = explainTableDifferences(wanted, rows, ["square_customer_id"]);
    problems.push(...differences.map((difference) => `due at ${due}: ${difference}`));
  }
  return problems;
}

/** A row's values, without the columns about the row itself. */
function valuesOf(row: Record<string, unknown> = {}): string {
  const { refresh_due_at, created_at, updated_at, computed_at, definition_version, ...values } = row;
  return JSON.stringify(values);
}
