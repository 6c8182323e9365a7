import { beforeEach, describe, expect, it, test } from "vitest";
import { columns } from "../../src/analytics/columns/catalogue.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { addProfiles, damage, nothingWrong, sweepAt, tuples } from "../support/sweeping.js";
import { analyticsDifferences, makeOrganization, readFacts, readRows } from "../support/worlds.js";
import { insert, uncomputablePayment } from "../support/worlds-insert.js";

const NOW = new Date("2026-03-01T20:00:00Z");
const DAY = 86_400_000;

const database = await openTestDatabase();
let organizationId: string;
/** The customers with visits and payments, in key order. */
let regulars: string[];
let rows: number;

beforeEach(async () => {
  await emptyDatabase(database);
  ({ organizationId } = await makeRandomWorld(database, 26));
  await sweepAt(database, NOW, "full");
  regulars = await ids("total_visits > 0 and total_payments > 0");
  rows = (await ids("true")).length;
  expect(regulars.length).toBeGreaterThan(2);
});

async function ids(condition: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `select square_customer_id as id from customer_analytics where ${condition} order by square_customer_id`,
  );
  return rows.map(({ id }) => id);
}

const change = (customerId: string | undefined, assignments: string) =>
  database.pool.query(`update customer_analytics set ${assignments} where square_customer_id = $1`, [
    customerId,
  ]);

async function differences(now = NOW) {
  return analyticsDifferences(database, organizationId, await readFacts(database, organizationId), now);
}

const byColumn = (a: { column: string }, b: { column: string }) => (a.column < b.column ? -1 : 1);

describe("a sweep", () => {
  it.each(["recent", "full"] as const)("of good rows (%s) checks them all and writes none", async (mode) => {
    const before = await tuples(database);
    expect(await sweepAt(database, NOW, mode)).toMatchObject({ ...nothingWrong, mode, checked: rows });
    expect(await tuples(database)).toEqual(before);
    expect(await differences()).toEqual([]);
  });

  it("of an empty database, and of an organization without customers, is complete", async () => {
    await emptyDatabase(database);
    expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, checked: 0 });
    await makeOrganization(database, "M-EMPTY");
    expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, checked: 0 });
  });

  it.each(["recent", "full"] as const)(
    "(%s) corrects changed rows and names each column with its number of rows",
    async (mode) => {
      await change(regulars[0], "given_name = 'wrong', total_bookings = 99, visits_last_30d = 77");
      await change(regulars[1], "given_name = 'wrong', last_visit_at = null");
      await change(regulars[2], "booking_notes = '[{}]', no_show_rate = -1");
      const report = await sweepAt(database, NOW, mode);
      expect(report).toMatchObject({
        ...nothingWrong,
        drift: expect.anything(),
        drifted: 3,
        corrected: 3,
        checked: rows,
      });
      expect(report.drift.sort(byColumn)).toEqual([
        { column: "booking_notes", rows: 1 },
        { column: "given_name", rows: 2 },
        { column: "last_visit_at", rows: 1 },
        { column: "no_show_rate", rows: 1 },
        { column: "total_bookings", rows: 1 },
        { column: "visits_last_30d", rows: 1 },
      ]);
      expect(await differences()).toEqual([]);
      expect(await sweepAt(database, NOW)).toMatchObject(nothingWrong);
    },
  );

  it("finds damage in any column, and names that column alone", async () => {
    const names = [...columns.map(({ name }) => name), "refresh_due_at"];
    for (const name of names) {
      await change(regulars[0], damage(name));
      const { drifted, corrected, drift } = await sweepAt(database, NOW);
      expect({ drifted, corrected, drift }).toEqual({
        drifted: 1,
        corrected: 1,
        drift: [{ column: name, rows: 1 }],
      });
    }
    expect(await differences()).toEqual([]);
  });

  it("finds every cleared column", async () => {
    const [row] = await readRows(database, organizationId, "customer_analytics").then((all) =>
      all.filter((each) => each.square_customer_id === regulars[0]),
    );
    const { rows: nullable } = await database.pool.query<{ name: string }>(
      `select column_name as name from information_schema.columns
       where table_name = 'customer_analytics' and is_nullable = 'YES'`,
    );
    const names = nullable.map(({ name }) => name).filter((name) => row?.[name] !== null);
    expect(names.length).toBeGreaterThan(10);
    await change(regulars[0], names.map((name) => `${name} = null`).join(", "));
    const { drift, drifted } = await sweepAt(database, NOW);
    expect(drifted).toBe(1);
    expect(drift.map(({ column }) => column).sort()).toEqual(names.sort());
    expect(await differences()).toEqual([]);
  });

  it("creates missing rows and deletes rows without a customer, and no others", async () => {
    await database.pool.query("delete from customer_analytics where square_customer_id = any ($1)", [
      regulars.slice(0, 2),
    ]);
    await database.pool.query(
      `insert into customer_analytics select (jsonb_populate_record(a, '{"square_customer_id": "GHOST"}')).*
       from customer_analytics a where square_customer_id = $1`,
      [regulars[2]],
    );
    const before = await tuples(database);
    expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, created: 2, deleted: 1 });
    const after = await tuples(database);
    for (const [id, tuple] of before) expect(after.get(id)).toBe(id.endsWith("/GHOST") ? undefined : tuple);
    expect(after.size).toBe(rows);
    expect(await differences()).toEqual([]);
  });

  it("deletes rows of an organization that does not exist", async () => {
    await database.pool.query(
      `insert into customer_analytics
       select (jsonb_populate_record(a, '{"organization_id": "ffffffff-0000-4000-8000-000000000000"}')).*
       from customer_analytics a`,
    );
    expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, deleted: rows, checked: 2 * rows });
    expect((await ids("true")).length).toBe(rows);
  });

  it("finds a damaged booking's effect on its customer", async () => {
    await database.pool.query(
      "update bookings set status = 'CANCELLED_BY_SELLER' where customer_id = $1 and status = 'ACCEPTED'",
      [regulars[0]],
    );
    const report = await sweepAt(database, NOW);
    expect(report).toMatchObject({ drifted: 1, corrected: 1, success: true });
    expect(report.drift).toContainEqual({ column: "total_accepted_bookings", rows: 1 });
    expect(await differences()).toEqual([]);
  });

  it("of several organizations counts each column's wrong rows over all of them", async () => {
    await makeRandomWorld(database, 7);
    await sweepAt(database, NOW, "full");
    await database.pool.query("update customer_analytics set total_bookings = -1, given_name = 'x'");
    const all = (await ids("true")).length;
    expect(all).toBeGreaterThan(rows);
    const report = await sweepAt(database, NOW);
    expect(report).toMatchObject({ drifted: all, corrected: all });
    expect(report.drift.sort(byColumn)).toEqual([
      { column: "given_name", rows: all },
      { column: "total_bookings", rows: all },
    ]);
    expect(await sweepAt(database, NOW)).toMatchObject(nothingWrong);
  });
});

describe("rows of older definitions", () => {
  it("are rewritten and are not drift, whatever differs", async () => {
    await database.pool.query("update customer_analytics set definition_version = 0");
    await change(regulars[0], "total_bookings = -1, given_name = 'old'");
    expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, time_decayed: rows });
    expect(await ids("definition_version = 0")).toEqual([]);
    expect(await differences()).toEqual([]);
  });

  it("are rewritten by a full sweep too", async () => {
    await database.pool.query("update customer_analytics set definition_version = 0");
    expect(await sweepAt(database, NOW, "full")).toMatchObject({ ...nothingWrong, time_decayed: rows });
  });
});

describe("of a row that came due", () => {
  const later = new Date(NOW.getTime() + 400 * DAY);

  it.each(["recent", "full"] as const)("a change by the clock is not drift (%s)", async (mode) => {
    const due = (await ids(`refresh_due_at <= '${later.toISOString()}'`)).length;
    expect(due).toBeGreaterThan(0);
    expect(await sweepAt(database, later, mode)).toMatchObject({ ...nothingWrong, time_decayed: due });
    expect(await differences(later)).toEqual([]);
  });

  it.each(["recent", "full"] as const)("a change that the clock cannot make is drift (%s)", async (mode) => {
    const due = await ids(`refresh_due_at <= '${later.toISOString()}'`);
    await change(due[0], "total_bookings = -1, total_visits = -1");
    expect(await sweepAt(database, later, mode)).toMatchObject({
      ...nothingWrong,
      time_decayed: due.length - 1,
      drifted: 1,
      corrected: 1,
      drift: [{ column: "total_bookings", rows: 1 }],
    });
    expect(await differences(later)).toEqual([]);
  });

  it("a row with a missing or too late refresh_due_at is found too", async () => {
    const due = await ids(`refresh_due_at <= '${later.toISOString()}'`);
    await change(due[0], "refresh_due_at = null");
    await change(due[1], "refresh_due_at = '2099-01-01'");
    const report = await sweepAt(database, later);
    expect(report).toMatchObject({ drifted: 2, corrected: 2, time_decayed: due.length - 2 });
    expect(report.drift).toContainEqual({ column: "visits_last_365d", rows: 2 });
    expect(await differences(later)).toEqual([]);
  });
});

test("a row computed by a clock that was ahead is corrected, and its clock columns are not drift", async () => {
  const ahead = new Date(NOW.getTime() + 400 * DAY);
  await sweepAt(database, ahead);
  await change(regulars[0], "given_name = 'wrong'");
  expect(await sweepAt(database, NOW)).toMatchObject({
    drifted: 1,
    drift: [{ column: "given_name", rows: 1 }],
  });
  expect(await differences()).toEqual([]);
});

test("a customer who cannot be computed is named, and the others are corrected", async () => {
  await addProfiles(database, organizationId, 300);
  await sweepAt(database, NOW);
  await insert(database, organizationId, "payments", [uncomputablePayment("C000100")]);
  await change("C000099", "given_name = 'wrong'");
  await change("C000101", "given_name = 'wrong'");
  expect(await sweepAt(database, NOW)).toMatchObject({
    success: false,
    complete: true,
    drifted: 2,
    corrected: 2,
    checked: rows + 299,
    errors: [
      {
        organization_id: organizationId,
        step: "check",
        code: "not_computed",
        message: expect.stringMatching(/^1 customer\(s\) could not be computed \(error 22008\): C000100$/),
      },
    ],
  });
});
