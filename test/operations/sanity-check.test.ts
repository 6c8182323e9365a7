import { beforeEach, describe, expect, it } from "vitest";
import { keepDays } from "../../src/days/keep.js";
import { type SanityStep, sanityCheck } from "../../src/operations/sanity-check.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { customerIdsOf, readFacts, recomputeAt } from "../support/worlds.js";
import { insert, uncomputablePayment } from "../support/worlds-insert.js";

const NOW = new Date("2026-03-01T20:00:00Z");

const database = await openTestDatabase();
let customerId: string;
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  ({ organizationId } = await makeRandomWorld(database, 12));
  const ids = customerIdsOf(await readFacts(database, organizationId));
  await recomputeAt(database, organizationId, ids, NOW.toISOString());
  const { rows } = await database.pool.query(
    "select square_customer_id as id from customer_analytics where total_visits > 0 and total_payments > 0 order by 1",
  );
  customerId = rows[0].id;
});

async function check(all = true, now = NOW): Promise<SanityStep[]> {
  const steps: SanityStep[] = [];
  for await (const step of sanityCheck(database, () => now, all)) steps.push(step);
  return steps;
}

const columnsStep = "every column equals its recomputation (all rows)";
const rowsStep = "exactly the customers who should have a row have one";

/** Does the damage, and answers the names and examples of the steps that fail. */
async function failures(damage: string, now = NOW): Promise<Record<string, readonly string[]>> {
  const values = damage.includes("$1") ? [customerId] : [];
  const { rowCount } = await database.pool.query(damage, values);
  expect(rowCount, damage).toBeGreaterThan(0);
  const failed = (await check(true, now)).filter((step) => !step.passed);
  for (const step of failed) expect(step.mismatches).toBe(step.examples.length);
  return Object.fromEntries(failed.map((step) => [step.name, step.examples]));
}

const set = (assignment: string) =>
  `update customer_analytics set ${assignment} where square_customer_id = $1`;

describe("a sanity check", () => {
  it.each([true, false])(
    "of a good database passes every step, and says how much it compared (all: %s)",
    async (all) => {
      const steps = await check(all);
      expect(steps.filter((step) => !step.passed)).toEqual([]);
      const { rows } = await database.pool.query("select count(*) from customer_analytics");
      const customers = Number(rows[0].count);
      expect(customers).toBeGreaterThan(1);
      expect(steps.map((step) => step.compared)).toEqual([
        1,
        customers,
        customers,
        customers,
        customers,
        customers,
        customers,
        expect.any(Number),
        0,
        0,
      ]);
    },
  );

  describe("of kept days", () => {
    const keptStep = "every kept day equals its facts (all days)";
    const keep = () =>
      keepDays(
        { pool: database.pool, clock: () => NOW, signal: new AbortController().signal, onKept: () => {} },
        organizationId,
        { anew: false, until: Number.POSITIVE_INFINITY },
      );
    const daysOf = async (sql: string) =>
      (await database.pool.query(sql)).rows.map(({ day }) => `${organizationId}: ${day}`);

    it("passes, and leaves them as they were", async () => {
      await keep();
      const tuples = async () =>
        (await database.pool.query("select xmin, day from kept_days order by day, part")).rows;
      const before = await tuples();
      expect(before.length).toBeGreaterThan(100);
      const last = (await check()).at(-1);
      expect(last).toMatchObject({ name: keptStep, mismatches: 0, passed: true });
      expect(last?.compared).toBeGreaterThan(100);
      expect(await tuples()).toEqual(before);
    });

    it("finds a day with wrong figures, and lets a marked day wait for the sweep", async () => {
      await keep();
      const busiest =
        "select day::text from kept_days where part = 0 order by accepted_appointments desc, day limit 1";
      const [day] = await daysOf(busiest);
      const spoil = `update kept_days set accepted_appointments = accepted_appointments + 1 where part = 0 and day = (${busiest})::date`;
      expect(await failures(spoil)).toEqual({ [keptStep]: [day] });
      await database.pool.query(
        "insert into day_marks (organization_id, day) select organization_id, day from kept_days where part = 0",
      );
      expect((await check()).filter((step) => !step.passed)).toEqual([]);
    });

    it("finds the days of a payment that was changed by hand", async () => {
      await keep();
      const paid = await daysOf(
        "select distinct day::text from kept_revenue where revenue_cents > 0 order by 1",
      );
      const found = await failures(
        "update payments set amount_cents = amount_cents + 1 where status = 'COMPLETED'",
      );
      expect([...(found[keptStep] ?? [])].sort()).toEqual(paid.slice(0, 10));
    });
  });

  it("of an empty database passes", async () => {
    await emptyDatabase(database);
    expect((await check()).filter((step) => !step.passed)).toEqual([]);
  });

  it("writes nothing", async () => {
    const tuples = async () =>
      (await database.pool.query("select xmin, ctid from customer_analytics order by square_customer_id"))
        .rows;
    await database.pool.query(set("given_name = 'wrong'"), [customerId]);
    const before = await tuples();
    await check();
    expect(await tuples()).toEqual(before);
  });

  it("names the customer and the columns that differ, also where one side is NULL", async () => {
    expect(await failures(set("given_name = null, late_cancellations = 99"))).toEqual({
      [columnsStep]: [`${customerId}: given_name, late_cancellations`],
    });
  });

  it("finds a refresh_due_at that would keep a row from ever coming due", async () => {
    expect(await failures(set("refresh_due_at = '2099-01-01'"))).toEqual({
      [columnsStep]: [`${customerId}: refresh_due_at`],
    });
  });

  it("finds a missing row, and a row too many", async () => {
    expect(await failures("delete from customer_analytics where square_customer_id = $1")).toMatchObject({
      [rowsStep]: [`${customerId} has no row`],
    });
    await database.pool.query("delete from customer_analytics");
    const ids = customerIdsOf(await readFacts(database, organizationId));
    await recomputeAt(database, organizationId, ids, NOW.toISOString());
    const ghost = `insert into customer_analytics
      select (jsonb_populate_record(a, '{"square_customer_id": "GHOST"}')).* from customer_analytics a
      where square_customer_id = $1`;
    expect(await failures(ghost)).toMatchObject({ [rowsStep]: ["GHOST should have no row"] });
  });

  it.each([
    [
      "first_booking_at",
      "first_booking_at is the first ACCEPTED booking",
      "first_booking_at + interval '1 hour'",
    ],
    ["avg_ticket_cents", "avg_ticket_cents is revenue over payments", "avg_ticket_cents + 1"],
    ["customer_segment", "the segments add up to all customers", "'VIP'"],
    ["total_referrals", "referrals are as many as their rows", "total_referrals + 1"],
  ])("finds a wrong %s by two steps", async (column, step, value) => {
    expect(await failures(set(`${column} = ${value}`))).toEqual({
      [columnsStep]: [`${customerId}: ${column}`],
      [step]: [customerId],
    });
  });

  it("finds new customers that do not add up to those with an ACCEPTED booking", async () => {
    expect(await failures(set("total_accepted_bookings = 0"))).toEqual({
      [columnsStep]: [`${customerId}: total_accepted_bookings`],
      "the daily view's new customers are the customers with an ACCEPTED booking": [organizationId],
    });
  });

  it("finds an event that waits for more than an hour, and no younger one", async () => {
    const defer = (age: string) => `update webhook_events
      set status = 'deferred', received_at = '${NOW.toISOString()}'::timestamptz - interval '${age}'
      where event_id = (select min(event_id) from webhook_events)`;
    expect(await failures(defer("60 minutes"))).toEqual({});
    const found = await failures(defer("61 minutes"));
    expect(Object.entries(found)).toEqual([
      ["no unprocessed event is older than an hour", [expect.stringMatching(/^[0-9a-f-]{36}$/)]],
    ]);
  });

  it("names a customer who cannot be computed, and checks the others", async () => {
    await failures(set("given_name = 'wrong'"));
    await insert(database, organizationId, "payments", [uncomputablePayment("huge")]);
    const row = `insert into customer_analytics
      select (jsonb_populate_record(a, '{"square_customer_id": "huge"}')).* from customer_analytics a
      where square_customer_id = $1`;
    expect((await failures(row))[columnsStep]?.toSorted()).toEqual(
      [`${customerId}: given_name`, "huge: cannot be computed"].sort(),
    );
  });

  it("passes over a row that a running server computed after the check had asked the clock", async () => {
    expect(
      await failures(
        set(`computed_at = '${NOW.toISOString()}'::timestamptz + interval '1 s', given_name = 'newer'`),
      ),
    ).toEqual({});
  });

  describe("of a row that has come due", () => {
    const muchLater = new Date("2027-06-01T00:00:00Z");
    const due = "refresh_due_at = '2026-04-01T00:00:00Z'";

    it("passes: the clock moved it, it is not wrong", async () => {
      expect(await failures(set(due), muchLater)).toEqual({});
    });

    it("still finds what the clock cannot move", async () => {
      expect(await failures(set(`${due}, given_name = 'wrong', visits_last_30d = 9`), muchLater)).toEqual({
        [columnsStep]: [`${customerId}: given_name`],
      });
    });
  });
});
