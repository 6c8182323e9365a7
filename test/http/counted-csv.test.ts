/** The lists behind numbers as CSV: all rows of their pages, in their order. */
import { beforeAll, beforeEach, expect, test } from "vitest";
import { addSalon, adminHeaders, NOW, openTestApp, type TestApp } from "../support/app.js";
import { readCsv } from "../support/csv.js";
import { openTestDatabase } from "../support/database.js";
import { recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

/** Two whole pages of the CSV, and a few rows. A page ends between rows of one instant. */
const CSV_PAGE = 50;
const ROWS = 103;
const database = await openTestDatabase();
let salon: string;
let app: TestApp;

beforeAll(async () => {
  salon = await addSalon(database);
  // Several begin at one instant, and instants differ by microseconds.
  const at = (n: number) => `2026-05-20T12:00:00.${String(100_000 + (n % 35))}Z`;
  const all = Array.from({ length: ROWS }, (_, n) => ({ id: n === 0 ? "ana" : `C ${n}`, at: at(n), n }));
  const bookings = all.map(({ id, at, n }) => ({ booking_id: `B${n}`, customer_id: id, start_at: at }));
  await insert(database, salon, "bookings", bookings);
  const payments = all.map(({ id, at, n }) => ({ payment_id: `P${n}`, customer_id: id, created_at: at }));
  await insert(database, salon, "payments", payments);
  await insert(database, salon, "refunds", [
    { refund_id: "=R", payment_id: "P9", created_at: "2026-05-21T12:00:00Z" },
  ]);
  await recomputeAt(database, salon, ["ana"], NOW.toISOString());
  await database.pool.query(
    `insert into customer_analytics
     select copy.* from bookings b cross join customer_analytics a
     cross join lateral jsonb_populate_record(a, jsonb_build_object('square_customer_id', b.customer_id,
       'given_name', case when b.booking_id = 'B7' then '=1+1' else 'N' || b.booking_id end,
       'first_booking_at', b.start_at, 'first_visit_at', b.start_at, 'last_visit_at', b.start_at)) as copy
     where a.square_customer_id = 'ana' and b.customer_id <> 'ana'`,
  );
  await database.pool.query("analyze bookings; analyze payments; analyze customer_analytics");
});

beforeEach(async () => {
  app = await openTestApp(database, { csvPage: CSV_PAGE });
});

function get(path: string) {
  return app.http.inject({ url: `/api/organizations/${salon}/${path}`, headers: adminHeaders });
}

/** All pages of a list. */
async function walk(path: string, query: string, name: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (let cursor = ""; ; ) {
    const page = (await get(`${path}?${query}&limit=30${cursor}`)).json();
    rows.push(...page[name]);
    if (page.next_cursor === null) return rows;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

/** What the CSV has of a value. */
const cell = (value: unknown) => (value === null ? "" : String(value).replace(/^=/, "'="));

const may = "from=2026-05-01&to=2026-05-31";
const lists = [
  ["bookings", `counted=new_customers&${may}`, "bookings", ROWS],
  ["payments", `counted=net_cents&${may}`, "payments", ROWS + 1],
  ["segments/movements/customers", `from_segment=NEVER_VISITED&to_segment=NEW&${may}`, "customers", ROWS],
  ["retention/customers", `by=month&cohort=2026-05&${may}`, "customers", ROWS],
] as const;

test.each(lists)("the CSV of %s with %s has the rows of all its pages", async (path, query, name, count) => {
  const rows = await walk(path, query, name);
  expect(rows).toHaveLength(count);
  const csv = await get(`${path}.csv?${query}`);
  expect(csv.statusCode).toBe(200);
  expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8");
  const file = `${path.replaceAll("/", "-")}.csv`;
  expect(csv.headers["content-disposition"]).toBe(`attachment; filename="${file}"`);
  expect(csv.body.charCodeAt(0)).toBe(0xfeff);
  const lines = readCsv(csv.body.slice(1));
  expect(lines).toEqual(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, cell(value)]))),
  );
  expect(csv.body).toMatch(/,'=1\+1,/);
});

test.each(lists)("the CSV of %s with %s has no pages, and takes no other parameter", async (path, query) => {
  for (const [parameter, value] of [
    ["limit", "5"],
    ["cursor", "x"],
    ["columns", "customer_id"],
  ]) {
    const answer = await get(`${path}.csv?${query}&${parameter}=${value}`);
    expect([answer.statusCode, answer.json().parameter]).toEqual([400, parameter]);
  }
});

test.each([
  ["bookings.csv?counted=tips", "counted"],
  ["payments.csv?from=2026-05-02&to=2026-05-01", "from"],
  ["segments/movements/customers.csv?location_id=downtown", "location_id"],
  ["retention/customers.csv?cohort=%00", "cohort"],
])("%s is refused before anything is sent, and names %s", async (path, parameter) => {
  const answer = await get(path);
  expect(answer.headers["content-type"]).toMatch("application/problem+json");
  expect([answer.statusCode, answer.json().parameter]).toEqual([400, parameter]);
});

test("a list without rows is a CSV with the header alone", async () => {
  const { body } = await get("retention/customers.csv?from=2020-01-01&to=2020-01-31");
  expect(body).toBe(
    "\uFEFFsquare_customer_id,customer_name,cohort,first_visit_at,returned_at,location_id,location_name\r\n",
  );
});
