import { beforeEach, describe, expect, it } from "vitest";
import { columns } from "../../src/analytics/columns/catalogue.js";
import { recomputeCustomer } from "../../src/analytics/customer.js";
import { recompute as recomputeForCaller } from "../../src/analytics/recompute.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import {
  analyticsDifferences,
  customerIdsOf,
  dailyDifferences,
  dailyOf,
  makeOrganization,
  readFacts,
  readRows,
  recomputeAt,
} from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const NOW = "2026-03-01T20:00:00Z";
const LATER = "2026-03-02T08:00:00Z";

const database = await openTestDatabase();
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  organizationId = await makeOrganization(database, "M1");
});

const rowsOf = (id = organizationId) => readRows(database, id, "customer_analytics");
const recompute = (ids: readonly string[], now = NOW, id = organizationId) =>
  recomputeAt(database, id, ids, now);
const facts = (table: string, ...rows: Record<string, unknown>[]) =>
  insert(database, organizationId, table, rows);

/** Facts that leave few columns empty: two visits, a payment with a tip, a refund, a note, a referral. */
async function anaWithEverything(id = organizationId) {
  const add = (table: string, ...rows: Record<string, unknown>[]) => insert(database, id, table, rows);
  await add("customers", { square_customer_id: "ana", given_name: "Ana", birthday: "0000-02-29" });
  await add(
    "bookings",
    { booking_id: "b1", start_at: "2026-01-10T18:00:00Z", customer_note: "allergic to latex" },
    { booking_id: "b2", start_at: "2026-02-10T18:00:00Z", creator_type: "CUSTOMER" },
    { booking_id: "b3", start_at: "2026-04-10T18:00:00Z", created_at: "2026-02-10T18:30:00Z" },
  );
  await add(
    "booking_segments",
    ...["b1", "b2", "b3"].map((booking_id) => ({
      booking_id,
      team_member_id: "maya",
      service_variation_id: "gel",
    })),
  );
  await add("payments", {
    payment_id: "p1",
    created_at: "2026-02-10T19:00:00Z",
    amount_cents: 5000,
    tip_cents: 750,
    total_cents: 5750,
  });
  await add("refunds", { refund_id: "r1", payment_id: "p1", created_at: "2026-02-11T19:00:00Z" });
  await add("referral_profiles", {
    square_customer_id: "ana",
    used_referral_code: "FRIEND",
    activated_as_referrer: true,
    activated_at: "2026-01-01T00:00:00Z",
  });
  await add("referral_rewards", {
    reward_id: "w1",
    referrer_customer_id: "ana",
    referred_customer_id: "bo",
    status: "PAID",
    reward_cents: 500,
  });
}

describe("a recompute that changes nothing", () => {
  it("writes nothing: same tuple, same updated_at and computed_at", async () => {
    await anaWithEverything();
    expect(await recompute(["ana"])).toEqual({ written: ["ana"], deleted: [] });
    const tuple = async () =>
      (await database.pool.query("select xmin, ctid, updated_at, computed_at from customer_analytics")).rows;
    const before = await tuple();
    expect(await recompute(["ana", "nobody"], LATER)).toMatchObject({ written: [], deleted: [] });
    expect(await tuple()).toEqual(before);
  });
});

describe("a recompute that changes a value", () => {
  it("moves updated_at and computed_at, and keeps created_at", async () => {
    await anaWithEverything();
    await recompute(["ana"]);
    await database.pool.query("update customers set given_name = 'Anna'");
    await recompute(["ana"], LATER);
    const [row] = await rowsOf();
    const at = (instant: string) => instant.replace("Z", "+00:00");
    expect(row).toMatchObject({ created_at: at(NOW), updated_at: at(LATER), computed_at: at(LATER) });
  });
});

describe("a recompute tells its caller", () => {
  const told = async (now: string) => {
    const tx = await database.pool.connect();
    try {
      return await recomputeForCaller(tx, organizationId, ["ana"], new Date(now));
    } finally {
      tx.release();
    }
  };

  it("exactly the columns that changed: of a new row those with a value, and none of a row without a changed value", async () => {
    await anaWithEverything();
    const { columns: ofNew } = await told(NOW);
    const [row] = await rowsOf();
    const withValue = columns.map(({ name }) => name).filter((name) => row?.[name] !== null);
    expect(ofNew).toEqual(new Map([["ana", withValue]]));

    await database.pool.query("update customers set given_name = 'Anna', family_name = 'Li'");
    expect((await told(NOW)).columns).toEqual(new Map([["ana", ["given_name", "family_name"]]]));
    expect((await told(NOW)).columns).toEqual(new Map());

    await database.pool.query("update customer_analytics set definition_version = 0");
    expect(await told(NOW)).toEqual({ written: ["ana"], deleted: [], columns: new Map([["ana", []]]) });

    await facts("customer_aliases", { from_customer_id: "ana", to_customer_id: "bo" });
    expect(await told(NOW)).toEqual({ written: [], deleted: ["ana"], columns: new Map([["ana", []]]) });
  });
});

describe("one, many or all customers", () => {
  it("give the same rows", async () => {
    const world = await makeRandomWorld(database, 12);
    const ids = customerIdsOf(await readFacts(database, world.organizationId));
    const recomputed = async (groups: readonly (readonly string[])[]) => {
      await database.pool.query("delete from customer_analytics");
      for (const group of groups) await recompute(group, NOW, world.organizationId);
      const rows = await rowsOf(world.organizationId);
      return rows.sort((a, b) => (String(a.square_customer_id) < String(b.square_customer_id) ? -1 : 1));
    };
    const all = await recomputed([ids]);
    expect(all.length).toBeGreaterThan(3);
    expect(await recomputed(ids.map((id) => [id]))).toEqual(all);
    expect(await recomputed([ids.slice(2), ids.slice(0, 2)])).toEqual(all);
  });
});

describe("a row exists", () => {
  const everybody = ["ana", "bo", "cy", "di", "ed", "flo"];
  const present = async () => (await rowsOf()).map((row) => row.square_customer_id).sort();

  it("for a live profile, a booking, a payment or a referral profile, and for nobody else", async () => {
    await facts("customers", { square_customer_id: "ana" });
    await facts("bookings", { booking_id: "b", customer_id: "bo", status: "DECLINED", start_at: NOW });
    await facts("payments", { payment_id: "p", customer_id: "cy", status: "FAILED", created_at: NOW });
    await facts("referral_profiles", { square_customer_id: "di" });
    await facts("referral_rewards", {
      reward_id: "w",
      referrer_customer_id: "ed",
      referred_customer_id: "flo",
      status: "PAID",
      reward_cents: 1,
    });
    await recompute(everybody);
    expect(await present()).toEqual(["ana", "bo", "cy", "di"]);
  });

  it("for a tombstone only if it has facts, such as a booking", async () => {
    await facts("customers", { square_customer_id: "ana" }, { square_customer_id: "bo", given_name: "Bo" });
    await facts("bookings", { booking_id: "b", customer_id: "bo", start_at: NOW });
    await recompute(everybody);
    await database.pool.query("update customers set deleted_at = $1, given_name = null", [NOW]);
    expect(await recompute(everybody)).toEqual({ written: ["bo"], deleted: ["ana"] });
    expect(await present()).toEqual(["bo"]);
  });

  it("not for a merged id, and its referrals count for the survivor even without other facts", async () => {
    await facts("customers", { square_customer_id: "ana" });
    await facts("referral_profiles", { square_customer_id: "ana", used_referral_code: "FRIEND" });
    await recompute(everybody);
    await facts("customer_aliases", { from_customer_id: "ana", to_customer_id: "bo" });
    expect(await recompute(["ana", "bo"])).toEqual({ written: ["bo"], deleted: ["ana"] });
    expect(await rowsOf()).toMatchObject([{ square_customer_id: "bo", referral_source: "FRIEND" }]);
  });
});

describe("values come from the facts, never from the stored row", () => {
  /** Any other value of the column's type. */
  const damages: Record<string, string> = {
    text: "'wrong'",
    integer: "-77",
    smallint: "-7",
    bigint: "-7777",
    boolean: "not $",
    timestamptz: "coalesce($, 'epoch') + interval '1 microsecond' * 7000",
    jsonb: `'[{"booking_id": "wrong"}]'`,
    "numeric(24,2)": "-7.77",
    "numeric(24,4)": "-0.7777",
  };

  it.each(columns.map(({ name, type }) => ({ name, type })))(
    "$name: damaged it is repaired, and named as the only drift",
    async ({ name, type }) => {
      await anaWithEverything();
      await recompute(["ana"]);
      const [before] = await rowsOf();
      await database.pool.query(
        `update customer_analytics set ${name} = ${damages[type]?.replaceAll("$", name)}`,
      );
      const result = await recomputeCustomer(database.pool, organizationId, "ana", new Date(NOW));
      expect(result).toMatchObject({ changed: true });
      expect(Object.keys(result?.drift ?? {})).toEqual([name]);
      expect(result?.drift[name]?.after).toEqual(result?.customer?.[name]);
      expect(await rowsOf()).toEqual([before]);
    },
  );

  it("refresh_due_at and definition_version are corrected too", async () => {
    await anaWithEverything();
    await recompute(["ana"]);
    const before = await rowsOf();
    await database.pool.query("update customer_analytics set refresh_due_at = null, definition_version = 0");
    expect(await recompute(["ana"])).toEqual({ written: ["ana"], deleted: [] });
    expect(await rowsOf()).toEqual(before);
  });

  it("a row that should not exist is deleted, and a missing one is created", async () => {
    await anaWithEverything();
    await recompute(["ana"]);
    await database.pool.query("update customer_analytics set square_customer_id = 'ghost'");
    expect(await recompute(["ana", "ghost"])).toEqual({ written: ["ana"], deleted: ["ghost"] });
  });
});

describe("another organization", () => {
  it("with equal ids is neither read nor written", async () => {
    const other = await makeOrganization(database, "M2", { currency: "EUR", timeZone: "Asia/Kathmandu" });
    await anaWithEverything();
    await insert(database, other, "customers", [{ square_customer_id: "ana", given_name: "Other" }]);
    await insert(database, other, "bookings", [{ booking_id: "b1", start_at: "2026-02-01T18:00:00Z" }]);
    await insert(database, other, "customer_aliases", [{ from_customer_id: "zoe", to_customer_id: "ana" }]);
    await recompute(["ana"], NOW, other);
    const untouched = await rowsOf(other);
    expect(untouched).toMatchObject([
      { given_name: "Other", total_bookings: 1, total_payments: 0, notes_count: 0 },
    ]);
    await recompute(["ana"], LATER);
    expect(await rowsOf(other)).toEqual(untouched);
    expect(await rowsOf()).toMatchObject([{ given_name: "Ana", total_bookings: 3, currency: "USD" }]);
  });
});

describe("settings.segments", () => {
  it("moves the ends of the segments, per organization", async () => {
    await facts("bookings", { booking_id: "b", start_at: "2026-01-01T20:00:00Z" });
    const segmentWith = async (segments: unknown) => {
      await database.pool.query("update organizations set settings = $1", [JSON.stringify({ segments })]);
      await recompute(["ana"]);
      return (await rowsOf())[0]?.customer_segment;
    };
    // 59 days after the only visit.
    expect(await segmentWith(undefined)).toBe("AT_RISK");
    expect(await segmentWith({ new: 60 })).toBe("NEW");
    expect(await segmentWith({ active: 60 })).toBe("ACTIVE");
    expect(await segmentWith({ at_risk: 59 })).toBe("LOST");
  });
});

describe("with the clock alone", () => {
  it("windows empty, the segment moves on and the customer becomes overdue", async () => {
    await anaWithEverything();
    await database.pool.query("update bookings set status = 'CANCELLED_BY_SELLER' where booking_id = 'b3'");
    const rowAfter = async (days: number) => {
      const now = new Date(Date.parse("2026-02-10T18:00:00Z") + days * 86_400_000).toISOString();
      await recompute(["ana"], now);
      const [row = {}] = await rowsOf();
      const { visits_last_30d, visits_last_90d, visits_last_365d, revenue_last_30d_cents, is_overdue } = row;
      return [
        row.customer_segment,
        visits_last_30d,
        visits_last_90d,
        visits_last_365d,
        revenue_last_30d_cents,
        is_overdue,
        row.total_revenue_cents,
      ];
    };
    expect(await rowAfter(-2)).toEqual(["NEW", 1, 1, 1, 5000, false, 5000]);
    // 31 days after the first visit, the second one just begun.
    expect(await rowAfter(0)).toEqual(["ACTIVE", 1, 2, 2, 5000, false, 5000]);
    expect(await rowAfter(1)).toEqual(["ACTIVE", 1, 2, 2, 5000, false, 5000]);
    expect(await rowAfter(31)).toEqual(["ACTIVE", 0, 2, 2, 0, false, 5000]);
    expect(await rowAfter(43)).toEqual(["AT_RISK", 0, 2, 2, 0, false, 5000]);
    // One and a half gaps of 31 days are 46.5.
    expect(await rowAfter(46.5)).toEqual(["AT_RISK", 0, 2, 2, 0, true, 5000]);
    expect(await rowAfter(91)).toEqual(["LOST", 0, 0, 2, 0, true, 5000]);
    expect(await rowAfter(400)).toEqual(["LOST", 0, 0, 0, 0, true, 5000]);
  });

  it("overdue begins at one and a half gaps, not a microsecond before", async () => {
    // The gap is 10 days and a microsecond, so one and a half gaps end between two microseconds.
    await facts(
      "bookings",
      { booking_id: "b1", start_at: "2026-01-01T18:00:00Z" },
      { booking_id: "b2", start_at: "2026-01-11T18:00:00.000001Z" },
    );
    await recompute(["ana"], "2026-01-26T18:00:00.000002Z");
    expect(await rowsOf()).toMatchObject([
      { is_overdue: false, refresh_due_at: "2026-01-26T18:00:00.000003+00:00" },
    ]);
    await recompute(["ana"], "2026-01-26T18:00:00.000003Z");
    expect(await rowsOf()).toMatchObject([{ is_overdue: true }]);
  });
});

describe("no value of Square's types", () => {
  const INT4_MAX = 2_147_483_647;
  const INT8_MAX = "9223372036854775807";

  it("breaks a customer's computation or a view: sums stop at the largest value of their type", async () => {
    const starts = [
      "1601-01-01T00:00:00.000001Z",
      "1500-05-05T05:05:05.555555Z",
      "4900-12-31T23:59:59.999998Z",
    ];
    const both = ["1", "2"];
    await facts(
      "bookings",
      ...starts.map((start_at, b) => ({ booking_id: `b${b}`, start_at, duration_minutes: INT4_MAX })),
    );
    await facts(
      "booking_segments",
      ...starts.map((_, b) => ({ booking_id: `b${b}`, duration_minutes: INT4_MAX })),
    );
    await facts(
      "payments",
      ...both.map((payment_id) => ({
        payment_id,
        created_at: "4900-12-31T12:00:00Z",
        amount_cents: INT8_MAX,
        tip_cents: INT8_MAX,
        total_cents: INT8_MAX,
        processing_fee_cents: `-${INT8_MAX}`,
        is_gift_card: true,
      })),
      { payment_id: "3", created_at: NOW, amount_cents: `-${INT8_MAX}` },
    );
    await facts(
      "refunds",
      ...both.map((n) => ({ refund_id: n, payment_id: n, created_at: NOW, amount_cents: INT8_MAX })),
    );
    await facts(
      "referral_rewards",
      ...both.map((reward_id) => ({
        reward_id,
        referrer_customer_id: "ana",
        referred_customer_id: "bo",
        status: "PAID",
        reward_cents: INT8_MAX,
      })),
    );
    const now = "4901-01-01T00:00:00Z";
    await recompute(["ana"], now);
    const known = await readFacts(database, organizationId);
    expect(await analyticsDifferences(database, organizationId, known, now)).toEqual([]);
    expect(await dailyDifferences(database, organizationId, dailyOf(known))).toEqual([]);
    const [row] = await rowsOf();
    expect(row).toMatchObject({ total_booked_minutes: INT4_MAX, avg_booking_minutes: INT4_MAX });
  });

  it("makes expected_next_visit_at inexact: it is exact to the microsecond over centuries", async () => {
    const starts = ["1700-01-01T00:00:00.000001Z", "1900-01-01T00:00:00Z", "2290-12-31T23:59:59.999998Z"];
    await facts("bookings", ...starts.map((start_at, b) => ({ booking_id: `b${b}`, start_at })));
    await recompute(["ana"], "2300-01-01T00:00:00Z");
    // Half of 18,650,131,199,999,997 microseconds is rounded up.
    expect(await rowsOf()).toMatchObject([{ expected_next_visit_at: "2586-07-01T23:59:59.999997+00:00" }]);
  });
});

describe("money", () => {
  it("past 2^53 is exact", async () => {
    const amount = "9007199254740993";
    await facts("payments", { payment_id: "p1", created_at: NOW, amount_cents: amount, total_cents: amount });
    await recompute(["ana"]);
    const { rows } = await database.pool.query(
      "select net_revenue_cents, avg_ticket_cents from customer_analytics",
    );
    expect(rows).toEqual([{ net_revenue_cents: BigInt(amount), avg_ticket_cents: BigInt(amount) }]);
  });
});
