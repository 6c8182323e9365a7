import { describe, expect, it } from "vitest";
import { toApiRow } from "../../src/analytics/api-row.js";
import { isNullable } from "../../src/analytics/column.js";
import { columns } from "../../src/analytics/columns/catalogue.js";
import { readCustomer } from "../../src/analytics/customer-history.js";
import { booking, PACIFIC, payment, world } from "../oracle/builders.js";
import {
  expectedAnalytics,
  expectedAppointmentsDaily,
  expectedProfiles,
  expectedRevenueDaily,
  expectedRfm,
} from "../oracle/index.js";
import { openTestDatabase } from "../support/database.js";
import { makeOrganization, recomputeAt } from "../support/worlds.js";

const database = await openTestDatabase();

/**
 * The columns, written by hand and not from the catalogue: each column's type, and C where the clock changes it
 * too.
 */
const definitions = `
  given_name text, family_name text, company_name text, email_address text, phone_number text, birthday text,
  creation_source text, customer_created_at timestamptz,
  total_bookings int, total_accepted_bookings int, total_pending_bookings int, total_declined_bookings int,
  total_cancelled_by_customer int, total_cancelled_by_seller int, total_no_shows int, late_cancellations int,
  first_booking_at timestamptz, last_booking_at timestamptz, last_booked_at timestamptz,
  total_visits int C, visit_days int C, first_visit_at timestamptz C, last_visit_at timestamptz C,
  visits_last_30d int C, visits_last_90d int C, visits_last_365d int C,
  upcoming_bookings int C, next_booking_at timestamptz C, no_show_rate numeric4 C, cancellation_rate numeric4,
  avg_days_between_visits numeric2 C, expected_next_visit_at timestamptz C, overdue_at timestamptz C, is_overdue bool C, visit_frequency text C,
  prebooked_visits int C, rebooking_rate numeric4 C, avg_lead_time_hours numeric2,
  total_booked_minutes int, avg_booking_minutes numeric2, self_booked_bookings int,
  distinct_locations int, preferred_location_id text, first_location_id text, last_location_id text,
  distinct_technicians int, preferred_technician_id text, last_technician_id text,
  distinct_services int, preferred_service_variation_id text, last_service_variation_id text,
  preferred_weekday smallint, preferred_hour smallint, booking_notes jsonb, notes_count int,
  total_payments int, failed_payments int,
  total_revenue_cents bigint, total_tips_cents bigint, gross_revenue_cents bigint,
  total_refunds int, total_refunded_cents bigint, net_revenue_cents bigint,
  avg_ticket_cents bigint, max_ticket_cents bigint,
  first_payment_at timestamptz, last_payment_at timestamptz, last_payment_cents bigint,
  total_processing_fees_cents bigint, gift_card_redeemed_cents bigint, tip_rate numeric4, revenue_per_visit_cents bigint C,
  revenue_last_30d_cents bigint C, revenue_last_90d_cents bigint C, revenue_last_365d_cents bigint C,
  currency text, other_currency_payments int, preferred_payment_source text,
  is_referrer bool, activated_as_referrer_at timestamptz, referral_source text,
  total_referrals int, total_rewards_cents bigint,
  customer_segment text C, customer_type text`
  .split(",")
  .map((entry) => {
    const [name = "", type = "", clock] = entry.trim().split(" ");
    return { name, type, clock: clock === "C" };
  });

/** The key columns and the columns about the row itself. They are not in the catalogue. */
const others = {
  organization_id: "uuid",
  square_customer_id: "text",
  created_at: "timestamptz",
  updated_at: "timestamptz",
  computed_at: "timestamptz",
  refresh_due_at: "timestamptz",
  definition_version: "int",
};

/** The names of the types in information_schema. */
const typesInPostgres: Readonly<Record<string, string>> = {
  uuid: "uuid",
  text: "text",
  int: "integer",
  smallint: "smallint",
  bigint: "bigint",
  numeric2: "numeric(24,2)",
  numeric4: "numeric(24,4)",
  bool: "boolean",
  timestamptz: "timestamp with time zone",
  jsonb: "jsonb",
};

/** The columns about the writing of a row. No calculation can know them. */
const ofTheWriting = ["created_at", "updated_at", "computed_at", "definition_version"];

/** For every computed table and view, a row as test/oracle computes it. */
function expectedRows(): Record<string, object | undefined> {
  const at = "2026-02-10T20:00:00Z";
  const facts = world({
    organization: { id: "00000000-0000-0000-0000-000000000001", currency: "USD", time_zone: PACIFIC },
    bookings: [booking("b1", at)],
    payments: [payment("p1", at)],
  });
  const rows = [...expectedAnalytics(facts, at).values()];
  const written = Object.fromEntries(ofTheWriting.map((name) => [name, null]));
  return {
    customer_analytics: { ...rows[0], ...written },
    customer_profiles: { ...expectedProfiles(rows, facts, at)[0], ...written },
    customer_rfm: expectedRfm(rows)[0],
    analytics_appointments_by_location_daily: expectedAppointmentsDaily(facts)[0],
    analytics_revenue_by_location_daily: expectedRevenueDaily(facts)[0],
  };
}

async function tableColumns() {
  const { rows } = await database.pool.query<{ name: string; type: string; nullable: boolean }>(
    `select column_name as name, is_nullable = 'YES' as nullable,
       data_type || case when data_type = 'numeric' then format('(%s,%s)', numeric_precision, numeric_scale) else '' end
         as type
     from information_schema.columns where table_schema = 'public' and table_name = 'customer_analytics'
     order by column_name collate "C"`,
  );
  return rows;
}

const sorted = (names: Iterable<string>) => [...names].sort();
const byName = <Entry extends { name: string }>(entries: readonly Entry[]) =>
  entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));

describe("the column catalogue", () => {
  it("has the defined columns and no others, and a clock exactly where the definitions say C", () => {
    const inCatalogue = columns.map(({ name, clock }) => ({ name, clock: clock !== undefined }));
    expect(byName(inCatalogue)).toEqual(byName(definitions.map(({ name, clock }) => ({ name, clock }))));
    expect(columns.filter(({ clock }) => clock?.length === 0)).toEqual([]);
  });

  it("is the table: names, types and nullability", async () => {
    const types = { "timestamp with time zone": "timestamptz" } as Record<string, string>;
    const values = (await tableColumns()).filter(({ name }) => !(name in others));
    expect(values.map((column) => ({ ...column, type: types[column.type] ?? column.type }))).toEqual(
      byName(
        columns.map((column) => ({ name: column.name, nullable: isNullable(column), type: column.type })),
      ),
    );
  });

  it("describes every column, and says the unit of money, time and counts", () => {
    const unitless = new Set([...["text", "boolean", "jsonb"], "smallint"]);
    for (const { name, type, unit, description } of columns) {
      expect(description, name).toMatch(/^[A-Z].*\.$|: .*$/);
      if (name.endsWith("_cents")) expect(unit, name).toBe("minor units");
      else if (type === "timestamptz") expect(unit, name).toBe("UTC instant");
      else if (name.endsWith("_rate")) expect(unit, name).toBe("ratio");
      else if (!unitless.has(type)) expect(unit, name).toMatch(/^(count|minutes|hours|days)$/);
      if (name.endsWith("_id")) expect(unit, name).toBe("id");
    }
  });

  it("names the inputs of every derived column, and none of them is derived", () => {
    const kinds = new Map(columns.map(({ name, from }) => [name, from]));
    for (const column of columns) {
      if (column.from !== "columns") continue;
      const read = column.formula.match(/[a-z]\w*/g)?.filter((word) => kinds.has(word));
      expect(sorted(new Set(read)), column.name).toEqual(sorted(column.inputs));
      expect(column.inputs.filter((name) => kinds.get(name) === "columns")).toEqual([]);
    }
  });
});

describe("the table customer_analytics", () => {
  it("has every defined column, in its type", async () => {
    const wanted = [...definitions, ...Object.entries(others).map(([name, type]) => ({ name, type }))];
    expect((await tableColumns()).map(({ name, type }) => ({ name, type }))).toEqual(
      byName(wanted.map(({ name, type }) => ({ name, type: typesInPostgres[type] }))),
    );
  });

  it("has the columns that the API answers for a customer", async () => {
    const organizationId = await makeOrganization(database, "M1");
    await database.pool.query(
      "insert into referral_profiles (organization_id, square_customer_id) values ($1, 'ana')",
      [organizationId],
    );
    await recomputeAt(database, organizationId, ["ana"], "2026-01-01T00:00:00Z");
    const now = new Date("2026-01-01T00:00:00Z");
    const read = await readCustomer(database.pool, organizationId, "ana", now, () => null);
    expect(sorted(Object.keys(read?.history.customer ?? {}))).toEqual(
      sorted((await tableColumns()).map(({ name }) => name)),
    );
  });
});

describe.each(Object.entries(expectedRows()))("%s", (relation, expected = {}) => {
  it("has every column that the independent check knows, and no other", async () => {
    const { rows } = await database.pool.query<{ name: string }>(
      "select column_name as name from information_schema.columns where table_schema = 'public' and table_name = $1",
      [relation],
    );
    expect(sorted(rows.map(({ name }) => name))).toEqual(sorted(Object.keys(expected)));
  });
});

describe("an API row", () => {
  it("shows money as a number, past 2^53 as text, rates as numbers, instants as RFC 3339 in UTC", () => {
    expect(
      toApiRow({
        total_revenue_cents: 12_345n,
        gross_revenue_cents: 9_007_199_254_740_993n,
        net_revenue_cents: -9_007_199_254_740_993n,
        tip_rate: "0.1500",
        birthday: "0000-02-29",
        last_visit_at: new Date("2026-03-08T10:00:00Z"),
        next_booking_at: null,
        is_overdue: false,
      }),
    ).toEqual({
      total_revenue_cents: 12_345,
      gross_revenue_cents: "9007199254740993",
      net_revenue_cents: "-9007199254740993",
      tip_rate: 0.15,
      birthday: "0000-02-29",
      last_visit_at: "2026-03-08T10:00:00.000Z",
      next_booking_at: null,
      is_overdue: false,
    });
  });
});
