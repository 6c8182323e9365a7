import { beforeAll, expect, test } from "vitest";
import { keepDays } from "../../src/days/keep.js";
import { type CustomerSort, customerSorts } from "../../src/reports/customer-statements.js";
import { addDays } from "../../src/reports/period.js";
import { customerId, loadReadData } from "../benchmark/read-data.js";
import { adminHeaders, NOW, openTestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { recordPlans } from "../support/plans.js";

// What a request reads does not grow with the organization, but for the reports that are named here.

const database = await openTestDatabase();
let organizationId: string;

beforeAll(async () => {
  organizationId = await loadReadData(database, 20_000, NOW);
  const signal = new AbortController().signal;
  const keeping = { pool: database.pool, clock: () => NOW, signal, onKept: () => {} };
  await keepDays(keeping, organizationId, { anew: false, until: Number.POSITIVE_INFINITY });
});

const large = ["bookings", "booking_segments", "payments", "refunds", "customers", "customer_analytics"];

/** The plans of a request's statements, line by line. */
async function planOf(path: string): Promise<string[]> {
  const plans = await recordPlans(database, "costs off", async (recorded) => {
    const app = await openTestApp(recorded);
    const url = `/api/organizations/${organizationId}/${path}`;
    const answer = await app.http.inject({ url, headers: adminHeaders });
    expect([path, answer.statusCode]).toEqual([path, 200]);
  });
  expect(plans.length, path).toBeGreaterThan(0);
  return plans.flatMap(({ plan }) => plan);
}

/** The large tables that a request reads whole. */
async function wholeReads(path: string): Promise<string[]> {
  const lines = await planOf(path);
  return large.filter((table) => lines.some((line) => new RegExp(`Seq Scan on ${table}\\b`).test(line)));
}

const today = NOW.toISOString().slice(0, 10);
const since = (days: number) => `from=${addDays(today, -days)}&to=${today}`;

const paths = [
  ...customerSorts.flatMap((sort) => [`customers?sort=${sort}`, `customers?sort=${sort}&order=desc`]),
  ...[
    "segment=NEW",
    "technician_id=T17",
    "due_within_days=7",
    "upcoming=true",
    "min_visits=20",
    "q=ash",
    "q=0004242",
  ].map((filter) => `customers?${filter}`),
  `customers/${customerId(7)}/explain/total_revenue_cents`,
  `kpi?${since(29)}`,
  `kpi?${since(364)}`,
  `kpi?${since(364)}&location_id=L3`,
  `appointments/daily?${since(89)}`,
  `revenue/daily?${since(89)}`,
  `payments?counted=net_cents&${since(89)}`,
  `payments.csv?counted=net_cents&${since(29)}`,
  `retention/customers?by=month&${since(29)}`,
  `retention/customers?by=month&${since(89)}`,
  `retention/customers.csv?by=technician&counted=returned_30d&${since(89)}`,
];

test.each(paths)("%s reads no large table whole", async (path) => {
  expect(await wholeReads(path)).toEqual([]);
});

const orders: Readonly<Record<Exclude<CustomerSort, "name">, string>> = {
  last_visit_at: "last_visit_order",
  first_booking_at: "first_booking_order",
  next_booking_at: "next_booking",
  total_visits: "visits",
  total_revenue_cents: "revenue_order",
  net_revenue_cents: "net_revenue",
  avg_ticket_cents: "ticket",
  overdue_at: "overdue",
};
// Every filter but the birthday's, which an index does not hold, and words, which are in another table.
const filters =
  "segment=ACTIVE&customer_type=SERVICE_CLIENT&visit_frequency=MONTHLY&location_id=L3&technician_id=T17";
const more = "overdue=false&upcoming=false&min_visits=2&last_visit_from=2020-01-01&last_visit_to=2030-01-01";

test.each(Object.entries(orders))("a walk by %s reads the index of the order alone", async (sort, name) => {
  const given = [...filters.split("&"), ...more.split("&"), "due_within_days=30"];
  // Whoever passes these has no next booking, and is read in the order of the primary key.
  const without = sort === "next_booking_at" ? ["upcoming=false", "due_within_days=30"] : [];
  for (const filter of given.filter((each) => !without.includes(each))) {
    for (const order of ["asc", "desc"]) {
      const lines = await planOf(`customers?sort=${sort}&order=${order}&${filter}`);
      const scans = lines.filter((line) => line.includes(`using customer_analytics_${name}_idx`));
      expect(scans, `${filter} ${order}`).toContainEqual(expect.stringContaining("Index Only Scan"));
    }
  }
});

test.each([
  [`segments/daily?${since(89)}`, ["bookings", "payments", "customer_analytics"]],
  [`segments/movements?${since(89)}`, ["bookings", "payments", "customer_analytics"]],
  [
    `segments/movements/customers?to_segment=LOST&${since(89)}`,
    ["bookings", "payments", "customer_analytics"],
  ],
])("%s is about everybody ever since, and reads no more than it must", async (path, whole) => {
  expect(whole).toEqual(expect.arrayContaining(await wholeReads(path)));
});
