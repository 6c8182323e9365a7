import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Random } from "../../src/simulator/random.js";
import { addSalon, processInBatches } from "../support/app.js";
import { casesHere, openTestDatabase } from "../support/database.js";
import { customerEvent, type EventJson, squareEvent } from "../support/events.js";
import { tablesOf } from "../support/tables.js";

/** Deletions and profiles without a version can be undone by later copies. */

const database = await openTestDatabase();
let salons = 0;

const at = (hour: number) => `2026-05-01T${String(hour).padStart(2, "0")}:00:00.000000Z`;

/** A profile of Ana at a version and an hour. Older API versions send profiles without a version. */
const live = (version: number | undefined, hour: number, more: object = {}) =>
  customerEvent("customer.updated", {
    id: "ana",
    version,
    updated_at: at(hour),
    given_name: `Ana ${hour}`,
    ...more,
  });
const deleted = (version: number | undefined, hour: number) =>
  customerEvent("customer.deleted", { id: "ana", version, updated_at: at(hour) });
/** A deletion without object and version. Only the envelope has a time. */
const deletedBare = (hour: number) =>
  squareEvent("customer.deleted", { type: "customer", id: "ana", deleted: true }, { created_at: at(hour) });
const recovered = { creation_source: "DELETION_RECOVERY" };

async function tablesAfter(events: readonly EventJson[], batch = 1) {
  salons += 1;
  const salon = await addSalon(database, `MLBACK${salons}`);
  const batches: EventJson[][] = [];
  for (let from = 0; from < events.length; from += batch) batches.push(events.slice(from, from + batch));
  const outcomes = await processInBatches(database, salon, batches);
  const tables = await tablesOf(database, salon);
  const [ana] = tables.customers ?? [];
  return { tables, outcomes, name: ana?.deleted_at === null ? ana.given_name : null };
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

describe("in any order and any batches", () => {
  test.each<[promise: string, name: string | null, events: () => EventJson[]]>([
    [
      "a deletion without object and version ends what was known before it",
      null,
      () => [live(4, 1), deletedBare(2)],
    ],
    ["and comes back by a recovery", "Ana 3", () => [live(4, 1), deletedBare(2), live(5, 3, recovered)]],
    ["and by an update that is later in time", "Ana 3", () => [live(4, 1), deletedBare(2), live(9, 3)]],
    [
      "but not by a higher version that is older than it",
      null,
      () => [live(4, 0), deletedBare(2), live(9, 1)],
    ],
    ["at one instant the deletion stands", null, () => [live(4, 2), deletedBare(2)]],
    [
      "of profiles without versions the later one stands",
      "Ana 3",
      () => [live(undefined, 1), live(undefined, 3)],
    ],
    ["a deletion among them ends the earlier ones", null, () => [live(undefined, 1), deleted(undefined, 2)]],
    [
      "and a later one brings it back",
      "Ana 3",
      () => [live(undefined, 1), deleted(undefined, 2), live(undefined, 3, recovered)],
    ],
    [
      "a profile without a version that is later than one with a version stands",
      "Ana 3",
      () => [live(7, 1), live(undefined, 3)],
    ],
    [
      "and it brings back one deleted at a version",
      "Ana 3",
      () => [live(7, 1), deleted(7, 2), live(undefined, 3, recovered)],
    ],
    [
      "where versions and times contradict each other the highest version is asked",
      null,
      () => [live(5, 10), deletedBare(7), live(6, 5)],
    ],
  ])("%s", async (_, name, events) => {
    const story = events();
    const expected = await tablesAfter(story);
    expect(expected.name).toBe(name);
    for (const order of permutations(story)) {
      for (const batch of [1, 2, 3])
        expect((await tablesAfter(order, batch)).tables).toEqual(expected.tables);
    }
  });

  test("of the best copy with a version and the best one without, the later one stands, in any order", async () => {
    for (let seed = 1; seed <= casesHere(30); seed++) {
      const random = new Random(`copies ${seed}`);
      const copies = Array.from({ length: random.int(2, 7) }, () => ({
        version: random.chance(0.5) ? random.int(1, 3) : undefined,
        hour: random.int(1, 4),
        isDeleted: random.chance(0.3),
      }));
      const events = copies.map(({ version, hour, isDeleted }) =>
        isDeleted ? deleted(version, hour) : live(version, hour),
      );
      const expected = await tablesAfter(events);
      expect(expected.name, `seed ${seed}`).toBe(standing(copies));
      for (let order = 0; order < 3; order++) {
        const shuffled = random.shuffle([...events, ...events.filter(() => random.chance(0.3))]);
        const { tables } = await tablesAfter(shuffled, random.int(1, 4));
        expect(tables, `seed ${seed}`).toEqual(expected.tables);
      }
    }
  });
});

interface Copy {
  readonly version: number | undefined;
  readonly hour: number;
  readonly isDeleted: boolean;
}

/** The rule, written again from its description. */
function standing(copies: readonly Copy[]): string | null {
  const best = (some: readonly Copy[], ...ranks: ((copy: Copy) => number)[]) =>
    some.toSorted((a, b) => ranks.map((rank) => rank(b) - rank(a)).find((by) => by !== 0) ?? 0)[0];
  const byTime = (copy: Copy) => copy.hour;
  const byDeletion = (copy: Copy) => Number(copy.isDeleted);
  const versioned = best(
    copies.filter(({ version }) => version !== undefined),
    (copy) => copy.version ?? 0,
    byDeletion,
    byTime,
  );
  const unversioned = best(
    copies.filter(({ version }) => version === undefined),
    byTime,
    byDeletion,
  );
  const later = (a: Copy, b: Copy) => a.hour > b.hour || (a.hour === b.hour && a.isDeleted);
  const wins = !versioned || (unversioned && later(unversioned, versioned)) ? unversioned : versioned;
  return !wins || wins.isDeleted ? null : `Ana ${wins.hour}`;
}

test("a copy that is stored but does not stand is stale", async () => {
  const { outcomes } = await tablesAfter([live(4, 1), deletedBare(3), live(9, 2), live(10, 4)]);
  expect(outcomes).toEqual(["processed", "processed", "stale", "processed"]);
});

test.each([
  ["without versions", undefined],
  ["of a known version", 2],
])("a later recovery without a version undoes a merge %s", async (_, version) => {
  const merge = { from: ["ana"], to: "eve" };
  const gone = customerEvent("customer.deleted", { id: "ana", version, updated_at: at(2) }, merge);
  const back = live(undefined, 3, { creation_source: "UNMERGE_RECOVERY" });
  const before = live(version && version - 1, 1);
  for (const order of permutations([before, gone, back])) {
    const { tables, name } = await tablesAfter(order);
    expect(tables.customer_aliases ?? []).toEqual([]);
    expect(name).toBe("Ana 3");
  }
  const { tables } = await tablesAfter([before, gone]);
  expect(tables.customer_aliases).toMatchObject([{ from_customer_id: "ana", to_customer_id: "eve" }]);
});

test("a profile recovers from a deletion without a version that an earlier release stored", async () => {
  const merchant = "MLBACKOFOLD";
  const salon = await addSalon(database, merchant);
  const key = `ffffffffffffffff01${"800650b7f03c8800"}00${"80".padEnd(16, "0")}${"ab".repeat(32)}`;
  await database.pool.query(
    `insert into customers (organization_id, square_customer_id, version, birthday, deleted_at, order_key)
     values ($1, 'ana', 9223372036854775807, null, $2, decode($3, 'hex'))`,
    [salon, at(2), key],
  );
  const migration = await readFile("prisma/migrations/0006_profiles_come_back/migration.sql", "utf8");
  for (const update of migration.match(/^update customers[^;]*;/gm) ?? []) await database.pool.query(update);
  expect(await processInBatches(database, salon, [[live(9, 3)]])).toEqual(["processed"]);
  const { customers } = await tablesOf(database, salon);
  expect(customers).toMatchObject([{ given_name: "Ana 3", version: 9, deleted_at: null }]);
});
