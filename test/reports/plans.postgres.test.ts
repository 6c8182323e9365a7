import { beforeAll, expect, test } from "vitest";
import { keepDays } from "../../src/days/keep.js";
import { customerSorts } from "../../src/reports/customers.js";
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

/** The large tables that a request reads whole, and whether it sorts all customers. */
async function wholeReads(path: string): Promise<string[]> {
  const plans = await recordPlans(database, "costs off", async (recorded) => {
    const app = await openTestApp(recorded);
    const url = `/api/organizations/${organizationId}/${path}`;
    const answer = await app.http.inject({ url, headers: adminHeaders });
    expect([path, answer.statusCode]).toEqual([path, 200]);
  });
  expect(plans.length, path).toBeGreaterThan(0);
  const lines = plans.flatMap(({ plan }) => plan);
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
