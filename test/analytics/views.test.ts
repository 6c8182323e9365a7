import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeOrganization, readRows, recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const database = await openTestDatabase();
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  organizationId = await makeOrganization(database, "M1");
  await facts(
    "locations",
    { square_location_id: "downtown", name: "Downtown", time_zone: "America/Los_Angeles" },
    { square_location_id: "uptown", name: "Uptown", time_zone: "America/New_York" },
  );
});

const facts = (table: string, ...rows: Record<string, unknown>[]) =>
  insert(database, organizationId, table, rows);

/** The view's rows by location and day, each as the values of `names`. */
async function view(relation: string, ...names: string[]): Promise<unknown[][]> {
  const rows = await readRows(database, organizationId, relation);
  return rows.map((row) => names.map((name) => row[name])).sort();
}
const appointments = (...names: string[]) =>
  view("analytics_appointments_by_location_daily", "location_id", "date", ...names);
const revenue = (...names: string[]) =>
  view("analytics_revenue_by_location_daily", "location_id", "date", ...names);

describe("analytics_appointments_by_location_daily", () => {
  it("counts a first visit after 17:00 on its local day, not on the next UTC day", async () => {
    await facts("bookings", { booking_id: "b1", start_at: "2026-02-11T01:30:00Z" });
    expect(await appointments("appointments_count", "new_customers")).toEqual([
      ["downtown", "2026-02-10", 1, 1],
    ]);
  });

  it("counts a whole local day when the clocks change: 23 hours in spring, 25 in autumn", async () => {
    const instants = [
      ...["2026-03-08T07:59:59Z", "2026-03-08T08:00:00Z", "2026-03-09T06:59:59Z", "2026-03-09T07:00:00Z"],
      ...["2026-11-01T06:59:59Z", "2026-11-01T07:00:00Z", "2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z"],
    ];
    await facts("bookings", ...instants.map((start_at, index) => ({ booking_id: `b${index}`, start_at })));
    expect(await appointments("appointments_count")).toEqual([
      ["downtown", "2026-03-07", 1],
      ["downtown", "2026-03-08", 2],
      ["downtown", "2026-03-09", 1],
      ["downtown", "2026-10-31", 1],
      ["downtown", "2026-11-01", 2],
      ["downtown", "2026-11-02", 1],
    ]);
  });

  it("counts the same instant on each location's own day", async () => {
    const at = "2026-02-11T06:00:00Z";
    await facts(
      "bookings",
      { booking_id: "b1", start_at: at },
      { booking_id: "b2", start_at: at, location_id: "uptown" },
    );
    expect(await appointments("appointments_count")).toEqual([
      ["downtown", "2026-02-10", 1],
      ["uptown", "2026-02-11", 1],
    ]);
  });

  it("counts a customer as new exactly once, by start and then booking_id, over ACCEPTED bookings", async () => {
    const at = "2026-02-10T20:00:00Z";
    await facts(
      "bookings",
      { booking_id: "b0", start_at: "2026-02-09T20:00:00Z", status: "NO_SHOW" },
      { booking_id: "b2", start_at: at },
      { booking_id: "b1", start_at: at, location_id: "uptown" },
      { booking_id: "b3", start_at: "2026-02-12T20:00:00Z", location_id: "uptown" },
    );
    const names = ["no_show_appointments", "unique_customers", "new_customers", "returning_customers"];
    expect(await appointments(...names)).toEqual([
      ["downtown", "2026-02-09", 1, 0, 0, 0],
      ["downtown", "2026-02-10", 0, 1, 0, 1],
      ["uptown", "2026-02-10", 0, 1, 1, 0],
      ["uptown", "2026-02-12", 0, 1, 0, 1],
    ]);
  });

  it("sums the staff of every ACCEPTED booking, each person once per booking, and never counts a visit twice", async () => {
    const at = "2026-02-10T20:00:00Z";
    await facts(
      "bookings",
      { booking_id: "b1", start_at: at },
      { booking_id: "b2", start_at: at, status: "DECLINED" },
    );
    const staff = { b1: ["maya", "zoe", "maya"], b2: ["maya"] };
    for (const [booking_id, members] of Object.entries(staff)) {
      const segments = members.map((team_member_id, segment_index) => ({
        booking_id,
        segment_index,
        team_member_id,
      }));
      await facts("booking_segments", ...segments);
    }
    expect(await appointments("appointments_count", "staff_slots")).toEqual([
      ["downtown", "2026-02-10", 1, 2],
    ]);
  });
});

describe("analytics_revenue_by_location_daily", () => {
  it("counts payments without a customer, tips apart, and only COMPLETED ones", async () => {
    const created_at = "2026-02-11T01:30:00Z";
    const money = { amount_cents: 5000, tip_cents: 750, total_cents: 5750, created_at };
    await facts(
      "payments",
      { payment_id: "p1", ...money },
      { payment_id: "p2", ...money, customer_id: null },
      { payment_id: "p3", ...money, status: "APPROVED" },
      { payment_id: "p4", ...money, currency: "CAD" },
    );
    const names = [
      "currency",
      "revenue_cents",
      "tips_cents",
      "gross_cents",
      "payment_count",
      "unique_customers",
    ];
    expect(await revenue(...names)).toEqual([
      ["downtown", "2026-02-10", "CAD", 5000, 750, 5750, 1, 1],
      ["downtown", "2026-02-10", "USD", 10000, 1500, 11500, 2, 1],
    ]);
  });

  it("subtracts a refund on its own day; a later update of the payment never moves it", async () => {
    await facts("payments", {
      payment_id: "p1",
      created_at: "2026-02-10T20:00:00Z",
      updated_at: "2026-02-14T20:00:00Z",
    });
    await facts(
      "refunds",
      { refund_id: "r1", payment_id: "p1", created_at: "2026-02-13T20:00:00Z" },
      { refund_id: "r2", payment_id: "p1", created_at: "2026-02-13T21:00:00Z", status: "FAILED" },
    );
    expect(await revenue("gross_cents", "refunded_cents", "net_cents", "payment_count")).toEqual([
      ["downtown", "2026-02-10", 1000, 0, 1000, 1],
      ["downtown", "2026-02-13", 0, 300, -300, 0],
    ]);
  });
});

describe("customer_profiles", () => {
  it("names the preferred location, technician and service, and gives ages in whole days", async () => {
    const { rows } = await database.pool.query("select now() as now");
    const inDays = (days: number) =>
      new Date(rows[0].now.getTime() + days * 86_400_000 - 60_000).toISOString();
    await facts(
      "bookings",
      { booking_id: "b1", start_at: inDays(-10) },
      { booking_id: "b2", start_at: inDays(5) },
    );
    await facts("booking_segments", {
      booking_id: "b1",
      team_member_id: "maya",
      service_variation_id: "gel",
    });
    await facts("payments", { payment_id: "p1", created_at: inDays(-3) });
    await facts("team_members", { square_team_member_id: "maya", given_name: "Maya", family_name: null });
    await facts("service_variations", { square_variation_id: "gel", name: "Gel" });
    await recomputeAt(database, organizationId, ["ana"], rows[0].now.toISOString());
    expect(await readRows(database, organizationId, "customer_profiles")).toMatchObject([
      {
        square_customer_id: "ana",
        preferred_location_name: "Downtown",
        preferred_technician_name: "Maya",
        preferred_service_name: "Gel",
        days_since_last_visit: 10,
        days_since_last_payment: 3,
        days_until_next_booking: 5,
      },
    ]);
  });
});

describe("customer_rfm", () => {
  it("divides customers with a visit into quintiles within their organization, 5 is the best", async () => {
    // Customer c visits c times, the last of them on day c, and pays c dollars a time; f10 only books.
    for (let c = 0; c < 10; c++) {
      const customer_id = `f${c}`;
      const visits = Array.from({ length: c + 1 }, (_, n) => ({
        booking_id: `${c}-${n}`,
        customer_id,
        start_at: `2026-01-${String(10 + c).padStart(2, "0")}T${10 + n}:00:00Z`,
      }));
      await facts("bookings", ...visits);
      await facts("payments", {
        payment_id: `${c}`,
        customer_id,
        created_at: "2026-01-30T00:00:00Z",
        amount_cents: c,
      });
    }
    await facts("bookings", { booking_id: "later", customer_id: "f10", start_at: "2026-12-01T00:00:00Z" });
    const ids = Array.from({ length: 11 }, (_, c) => `f${c}`);
    await recomputeAt(database, organizationId, ids, "2026-02-01T00:00:00Z");
    expect(
      await view("customer_rfm", "square_customer_id", "recency", "frequency", "monetary", "rfm_class"),
    ).toEqual([
      ["f0", 1, 1, 1, "LOST"],
      ["f1", 1, 1, 1, "LOST"],
      ["f2", 2, 2, 2, "HIBERNATING"],
      ["f3", 2, 2, 2, "HIBERNATING"],
      ["f4", 3, 3, 3, "NEEDS_ATTENTION"],
      ["f5", 3, 3, 3, "NEEDS_ATTENTION"],
      ["f6", 4, 4, 4, "CHAMPION"],
      ["f7", 4, 4, 4, "CHAMPION"],
      ["f8", 5, 5, 5, "CHAMPION"],
      ["f9", 5, 5, 5, "CHAMPION"],
    ]);
  });
});

describe("customers who are equal", () => {
  it("have equal scores, whatever their ids", async () => {
    const ids = ["a", "b", "c", "d"];
    await facts(
      "bookings",
      ...ids.map((id) => ({ booking_id: id, customer_id: id, start_at: "2026-01-10T18:00:00Z" })),
    );
    await recomputeAt(database, organizationId, ids, "2026-02-01T00:00:00Z");
    // No customer below, four equal: floor(5 x 2 / 4) + 1.
    expect(await view("customer_rfm", "square_customer_id", "recency", "frequency", "monetary")).toEqual(
      ids.map((id) => [id, 3, 3, 3]),
    );
  });
});

describe("an instant becomes a local time", () => {
  it("a local day begins at its first instant, also where midnight comes twice or not at all", async () => {
    const { rows } = await database.pool.query(
      `select name, day from pg_timezone_names
       cross join (select '2024-12-31'::date - n as day from generate_series(0, 366) as n) as calendar
       cross join lateral (select local_midnight(day, name) as begins_at) as b
       where name in ('America/Havana', 'Atlantic/Azores', 'America/Los_Angeles', 'Africa/Cairo', 'Asia/Beirut', 'Australia/Lord_Howe')
         and (local_date(begins_at, name) <> day or local_date(begins_at - interval '1 microsecond', name) >= day)`,
    );
    expect(rows).toEqual([]);
  });

  it("only in local_time, and a day becomes an instant only in local_midnight: `at time zone` elsewhere is only UTC", async () => {
    const sources = await filesUnder("src", "prisma/migrations", "handlers");
    const uses: string[] = [];
    for (const file of sources.filter((name) => /\.(ts|sql)$/.test(name) && !name.includes("/generated/"))) {
      const lines = (await readFile(file, "utf8")).split("\n");
      for (const line of lines) {
        if (/at time zone/i.test(line) && !/at time zone 'UTC'/.test(line)) uses.push(line.trim());
      }
    }
    expect(uses.sort()).toEqual([
      "from (select day::timestamp at time zone time_zone as midnight) as standard",
      "language sql immutable parallel safe return day::timestamp at time zone time_zone;",
      "language sql immutable parallel safe return instant at time zone time_zone;",
      "perform timestamptz 'epoch' at time zone time_zone;",
    ]);
  });
});

async function filesUnder(...folders: string[]): Promise<string[]> {
  const lists = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => path.join(folder, name)),
    ),
  );
  return lists.flat();
}
