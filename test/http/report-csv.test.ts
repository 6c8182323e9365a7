import { beforeAll, expect, test } from "vitest";
import { addSalon, adminHeaders, NOW, openTestApp } from "../support/app.js";
import { readCsv } from "../support/csv.js";
import { openTestDatabase } from "../support/database.js";
import { recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const database = await openTestDatabase();
let salon: string;

beforeAll(async () => {
  salon = await addSalon(database);
  await insert(database, salon, "bookings", [{ booking_id: "b1", start_at: "2026-05-20T12:00:00Z" }]);
  await insert(database, salon, "booking_segments", [
    { booking_id: "b1", segment_index: 0, team_member_id: "t1", duration_minutes: 30 },
  ]);
  await insert(database, salon, "team_members", [{ square_team_member_id: "t1", given_name: "=1+1" }]);
  const noShow = { status: "NO_SHOW", location_id: "L1" };
  await insert(database, salon, "bookings", [
    { booking_id: "n1", start_at: "2026-05-20T12:00:00Z", ...noShow },
    { booking_id: "n2", start_at: "2026-05-20T13:00:00Z", ...noShow, location_id: "L2" },
    { booking_id: "n3", start_at: "2026-05-22T12:00:00Z", ...noShow },
  ]);
  const paid = { location_id: "L1", amount_cents: 500, total_cents: 500 };
  await insert(database, salon, "payments", [
    { payment_id: "p1", created_at: "2026-05-20T12:00:00Z", ...paid },
    { payment_id: "p2", created_at: "2026-05-21T12:00:00Z", ...paid },
    { payment_id: "p3", created_at: "2026-05-22T12:00:00Z", ...paid, currency: "EUR" },
  ]);
  await insert(database, salon, "refunds", [
    {
      refund_id: "r1",
      payment_id: "p2",
      created_at: "2026-05-21T12:00:00Z",
      amount_cents: 500,
      location_id: "L1",
    },
  ]);
  await recomputeAt(database, salon, ["ana"], NOW.toISOString());
});

async function get(path: string) {
  const app = await openTestApp(database);
  const answer = await app.http.inject({ url: `/api/organizations/${salon}/${path}`, headers: adminHeaders });
  expect(answer.statusCode, path).toBe(200);
  return answer;
}

test.each([
  ["team", "team"],
  ["retention", "cohorts"],
  ["appointments/daily", "days"],
  ["revenue/daily", "days"],
  ["segments/daily", "days"],
])("%s as CSV has the columns and rows of its JSON", async (path, list) => {
  const rows: Record<string, unknown>[] = (await get(path)).json()[list];
  const csv = await get(`${path}.csv`);
  expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8");
  expect(csv.headers["content-disposition"]).toBe(`attachment; filename="${path.replace("/", "-")}.csv"`);
  expect(csv.body.charCodeAt(0)).toBe(0xfeff);
  const [header = "", ...lines] = csv.body.slice(1).trimEnd().split("\r\n");
  expect(lines).toHaveLength(rows.length);
  if (rows[0]) expect(new Set(header.split(","))).toEqual(new Set(Object.keys(rows[0])));
});

test.each([
  ["appointments", "no_show_appointments", ["2026-05-22 L1", "2026-05-20 L2", "2026-05-20 L1"]],
  ["appointments", "accepted_appointments", ["2026-05-20 downtown"]],
  ["revenue", "refunded_cents", ["2026-05-21 L1"]],
  ["revenue", "net_cents", ["2026-05-20 L1"]],
])(
  "%s/daily with counted=%s has the days behind the number, the latest first, and adds up to it",
  async (kind, counted, expected) => {
    const days: Record<string, unknown>[] = (await get(`${kind}/daily?counted=${counted}`)).json().days;
    expect(days.map(({ date, location_id }) => `${date} ${location_id ?? ""}`)).toEqual(expected);
    const { current } = (await get("kpi")).json();
    expect(days.reduce((sum, day) => sum + Number(day[counted]), 0)).toBe(current[counted]);
    const csv = readCsv((await get(`${kind}/daily.csv?counted=${counted}`)).body.slice(1));
    expect(csv.map(({ date, location_id }) => `${date} ${location_id}`)).toEqual(expected);
  },
);

test("days of another number are refused, naming the parameter", async () => {
  const app = await openTestApp(database);
  for (const path of ["appointments/daily?counted=tips_cents", "revenue/daily.csv?counted=new_customers"]) {
    const answer = await app.http.inject({
      url: `/api/organizations/${salon}/${path}`,
      headers: adminHeaders,
    });
    expect([answer.statusCode, answer.json().parameter], path).toEqual([400, "counted"]);
  }
});

test("the CSV of customers has the columns that are asked for, in that order", async () => {
  const { customers } = (await get("customers")).json();
  const csv = await get("customers.csv?columns=total_visits,square_customer_id,preferred_technician_name");
  expect(csv.body).toBe(
    `\uFEFFtotal_visits,square_customer_id,preferred_technician_name\r\n${customers[0].total_visits},ana,'=1+1\r\n`,
  );
  expect(customers[0].total_visits).toBe(1);
});

test.each([
  ["shoe_size", "columns: names a column that is not in the CSV"],
  ["total_visits,", "columns: names a column that is not in the CSV"],
  ["", "columns: names a column that is not in the CSV"],
  ["total_visits,last_visit_at,total_visits", "columns: names a column twice"],
  ["total_visits&columns=total_visits", "columns: names a column twice"],
])("the CSV of customers with columns=%s is refused, naming the parameter", async (columns, detail) => {
  const app = await openTestApp(database);
  const url = `/api/organizations/${salon}/customers.csv?columns=${columns}`;
  const answer = await app.http.inject({ url, headers: adminHeaders });
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "invalid_request", parameter: "columns", detail });
});

test("a team member's name that a spreadsheet would run is defused", async () => {
  expect((await get("team.csv")).body).toContain("t1,'=1+1,");
});

test("a cursor of one list of bookings opens no other", async () => {
  const app = await openTestApp(database);
  const list = (query: string) =>
    app.http.inject({ url: `/api/organizations/${salon}/bookings?${query}`, headers: adminHeaders });
  expect((await list("counted=visits")).json()).toMatchObject({
    bookings: [{ booking_id: "b1", customer_id: "ana", booked_minutes: 30 }],
    next_cursor: null,
  });
  await insert(database, salon, "bookings", [{ booking_id: "b2", start_at: "2026-05-21T12:00:00Z" }]);
  const { next_cursor: cursor } = (await list("counted=visits&limit=1")).json();
  expect((await list(`counted=visits&limit=1&cursor=${cursor}`)).json().bookings).toMatchObject([
    { booking_id: "b1" },
  ]);
  expect((await list(`counted=rebooked_visits&cursor=${cursor}`)).json().code).toBe("invalid_cursor");
  expect((await list("counted=tips")).json()).toMatchObject({
    code: "invalid_request",
    parameter: "counted",
  });
});
