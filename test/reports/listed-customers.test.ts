/** The customers behind a number of customers: each list is as long as its number, and has the right people. */
import { beforeEach, expect, test } from "vitest";
import type { CustomerPage, CustomerPlace } from "../../src/reports/customer-page.js";
import { localDayOf } from "../../src/reports/local-day.js";
import { addDays } from "../../src/reports/period.js";
import { cohortCustomers, cohortKinds, retention, retentionNumbers } from "../../src/reports/retention.js";
import { movementCustomers, UNKNOWN } from "../../src/reports/segment-customers.js";
import { segmentMovements, segmentsDaily } from "../../src/reports/segments.js";
import { Random } from "../../src/simulator/random.js";
import { toMicros } from "../oracle/index.js";
import { expectedMembers, expectedMoves } from "../oracle/reports.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { customerIdsOf, readFacts, recomputeAt } from "../support/worlds.js";

const database = await openTestDatabase();
const { pool } = database;
beforeEach(() => emptyDatabase(database));

const PAGE = 7;
const seeds = Array.from({ length: casesHere(20) }, (_, index) => 8_000 + index);

/** A random organization, and a period before or around a random instant. */
async function randomSalon(seed: number) {
  const random = new Random(`listed customers ${seed}`);
  const { organizationId, start, end } = await makeRandomWorld(database, seed);
  const facts = await readFacts(database, organizationId);
  const now = new Date(random.between(start.getTime(), end.getTime() + 250 * 86_400_000));
  await recomputeAt(database, organizationId, customerIdsOf(facts), now.toISOString());
  const today = await localDayOf(pool, now, facts.organization.time_zone);
  const from = addDays(today, -random.int(0, 120));
  const to = addDays(from, random.int(0, 130));
  const places = facts.locations.map((location) => location.square_location_id);
  const locationId = random.chance(0.4) && places.length > 0 ? random.pick(places) : null;
  const told = `seed ${seed}, ${from} to ${to} at ${now.toISOString()}, ${locationId ?? "all locations"}`;
  return { scope: { organizationId, from, to, locationId }, facts, now, today, told };
}

/** All pages of a list. */
async function walk(read: (after: CustomerPlace | null) => Promise<CustomerPage>) {
  const customers: Record<string, unknown>[] = [];
  let after: CustomerPlace | null = null;
  do {
    const page: CustomerPage = await read(after);
    expect(page.customers.length).toBeLessThanOrEqual(PAGE);
    customers.push(...page.customers);
    after = page.next;
  } while (after);
  return customers;
}

/** In the order of ids, as the lists are. */
const byId = <Row extends { square_customer_id: string }>(rows: readonly Row[]): Row[] =>
  [...rows].sort((a, b) => (a.square_customer_id < b.square_customer_id ? -1 : 1));

const withoutNames = (rows: readonly Record<string, unknown>[]) =>
  rows.map(({ customer_name: _, location_name: __, ...row }) => row);

test.each(seeds)(
  "each movement lists exactly its customers, and each segment those of the last day, seed %i",
  async (seed) => {
    const { scope, facts, now, today, told } = await randomSalon(seed);
    const moves = expectedMoves(facts, scope, toMicros(now));
    const movements = await segmentMovements(pool, scope, today, now);
    for (const { from_segment, to_segment, customers } of movements) {
      const asked = { from: from_segment ?? UNKNOWN, to: to_segment } as const;
      const list = await walk((after) => movementCustomers(pool, scope, asked, today, now, after, PAGE));
      const which = `${told}, ${asked.from} to ${asked.to}`;
      expect(list.length, which).toBe(customers);
      const expected = moves.filter(
        (move) => move.from_segment === from_segment && move.to_segment === to_segment,
      );
      expect(withoutNames(list), which).toEqual(byId(expected));
    }
    const last = (await segmentsDaily(pool, scope, today, now)).at(-1);
    for (const to of ["NEVER_VISITED", "NEW", "ACTIVE", "AT_RISK", "LOST"] as const) {
      const asked = { from: null, to };
      const list = await walk((after) => movementCustomers(pool, scope, asked, today, now, after, PAGE));
      expect(list.length, `${told}, ${to}`).toBe(last?.[to] ?? 0);
      expect(withoutNames(list), `${told}, ${to}`).toEqual(
        byId(moves.filter((move) => move.to_segment === to)),
      );
    }
  },
);

test.each(seeds)(
  "each number of each cohort lists exactly its customers, and of all cohorts everybody, seed %i",
  async (seed) => {
    const { scope, facts, now, told } = await randomSalon(seed);
    for (const by of cohortKinds) {
      const members = expectedMembers(facts, by, scope, toMicros(now));
      const cohorts = await retention(pool, by, scope, now);
      for (const counted of retentionNumbers) {
        const read = (cohort: string | null) =>
          walk((after) => cohortCustomers(pool, scope, { by, counted, cohort }, now, after, PAGE));
        const those = members.filter((member) => member.counted[counted]);
        for (const cohort of cohorts) {
          const list = await read(cohort.cohort ?? "");
          const which = `${told}, ${counted} by ${by}, ${cohort.cohort}`;
          expect(list.length, which).toBe(cohort[counted]);
          const expected = those.filter((member) => member.cohort === cohort.cohort);
          expect(withoutNames(list), which).toEqual(byId(expected.map(({ row }) => row)));
        }
        expect(withoutNames(await read(null)), `${told}, ${counted} by ${by}`).toEqual(
          byId(those.map(({ row }) => row)),
        );
      }
    }
  },
);
