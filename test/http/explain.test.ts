import { beforeEach, expect, test } from "vitest";
import type { Aggregate, Column } from "../../src/analytics/column.js";
import { columns } from "../../src/analytics/columns/catalogue.js";
import { Random } from "../../src/simulator/random.js";
import { adminHeaders, NOW, openTestApp, type TestApp } from "../support/app.js";
import { readCsv } from "../support/csv.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { customerIdsOf, makeOrganization, readFacts, recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const database = await openTestDatabase();
let app: TestApp;
beforeEach(async () => {
  await emptyDatabase(database);
  app = await openTestApp(database);
});

interface Explained {
  readonly value: unknown;
  readonly as_of: string;
  readonly aggregate: Aggregate | null;
  readonly rows: readonly Contribution[];
  readonly older: string | null;
  readonly inputs: Record<string, unknown>;
  readonly formula: string | null;
}

interface Contribution {
  readonly id: string;
  readonly time: string | null;
  readonly value: unknown;
  readonly counted: boolean;
}

async function get(url: string) {
  const answer = await app.http.inject({ url, headers: adminHeaders });
  return { status: answer.statusCode, ...answer.json() };
}

const customerUrl = (organization: string, customer: string) =>
  `/api/organizations/${organization}/customers/${encodeURIComponent(customer)}`;

/** Explained with all of its rows. */
async function explained(organization: string, customer: string, column: string): Promise<Explained> {
  const url = `${customerUrl(organization, customer)}/explain/${column}`;
  const first = await get(url);
  expect([url, first.status]).toEqual([url, 200]);
  const rows = [...first.rows];
  for (let { older } = first; older; ) {
    const page = await get(`${url}?before=${older}`);
    rows.push(...page.rows);
    older = page.older;
  }
  return { ...first, rows };
}

/** What the counted rows make, or which values are right where a tie decides. */
function valuesOf(column: Column, { aggregate, rows }: Explained): unknown[] {
  const counted = rows.filter((row) => row.counted);
  const values = counted.map(({ value }) => value);
  const none = values.length === 0;
  const extreme = (better: (a: string, b: string) => boolean, key: (row: Contribution) => string) => {
    const best = counted.map(key).reduce((a, b) => (better(b, a) ? b : a), counted.map(key)[0] ?? "");
    return counted.filter((row) => key(row) === best).map(({ value }) => value);
  };
  const padded = (row: Contribution) =>
    typeof row.value === "number" ? String(row.value).padStart(20, "0") : String(row.value);
  const empty = column.name.endsWith("_cents") ? [0, null] : [null];
  switch (aggregate) {
    case "count":
      return [values.length];
    case "count distinct":
      return [new Set(values).size];
    case "sum":
      return [Number(values.reduce((sum: bigint, value) => sum + BigInt(value as number), 0n))];
    case "any":
      return [!none];
    case "min":
      return none ? empty : extreme((a, b) => a < b, padded);
    case "max":
      return none ? empty : extreme((a, b) => a > b, padded);
    case "last":
      return none
        ? empty
        : extreme(
            (a, b) => a > b,
            (row) => String(row.time),
          );
    case "first":
      return none ? empty : values;
    case "mode":
    case "main currency": {
      const times = (value: unknown) => values.filter((other) => other === value).length;
      const most = Math.max(...values.map(times));
      return none ? [null, "USD", "EUR", "JPY", "CAD"] : values.filter((value) => times(value) === most);
    }
    default:
      return [];
  }
}

function isExplained(column: Column, told: Explained): boolean {
  const counted = told.rows.filter((row) => row.counted).map(({ value }) => value);
  if (told.aggregate === "list") return inAnyOrder(counted) === inAnyOrder(told.value as unknown[]);
  if (told.aggregate !== "mean") return valuesOf(column, told).includes(told.value);
  const mean = counted.reduce((sum: number, value) => sum + Number(value), 0) / counted.length;
  return counted.length === 0 ? told.value === null : Math.abs(mean - Number(told.value)) < 0.005_000_1;
}

const inAnyOrder = (values: readonly unknown[]) =>
  JSON.stringify(values.map((value) => JSON.stringify(value)).sort());

/** The formula, computed by the database from the inputs alone, as they are told. */
async function computed({ type }: Column, { formula, inputs, as_of }: Explained): Promise<unknown> {
  const types = new Map(columns.map((column) => [column.name, column.type]));
  const names = Object.keys(inputs);
  const record = names.map((name) => `${name} ${types.get(name) ?? "integer"}`).join(", ");
  const values = names.map((name) =>
    types.has(name) ? name : `make_interval(hours => 24 * ${name}) as ${name}`,
  );
  const { rows } = await database.pool.query(
    `select (${formula?.replaceAll(":now", "$2::timestamptz")})::${type} as value
     from (select ${values.join(", ")} from jsonb_to_record($1) as told (${record})) as inputs where $2::text is not null`,
    [JSON.stringify(inputs), as_of],
  );
  return rows[0]?.value;
}

/** Times are told to the millisecond, so what follows from them is as near. */
function isNear(one: unknown, other: unknown): boolean {
  if (one === null || other === null) return one === other;
  if (one instanceof Date) return Math.abs(one.getTime() - Date.parse(String(other))) < 5;
  if (typeof one === "boolean" || /[A-Z]/.test(String(one))) return one === other;
  return Math.abs(Number(one) - Number(other)) <= 0.01;
}

test.each(Array.from({ length: casesHere(10) }, (_, seed) => seed))(
  "counting or summing the counted rows of a column gives its value, for every column of random customers, seed %i",
  async (seed) => {
    const { organizationId, end } = await makeRandomWorld(database, seed);
    const ids = customerIdsOf(await readFacts(database, organizationId));
    await recomputeAt(database, organizationId, ids, end.toISOString());
    app.clock.now = new Date(end.getTime() + 86_400_000 * seed);
    const random = new Random(`explain ${seed}`);
    for (const id of random.shuffle(ids).slice(0, 2)) {
      const { status, customer } = await get(customerUrl(organizationId, id));
      if (status === 404) continue;
      for (const column of columns) {
        const told = await explained(organizationId, id, column.name);
        const about = JSON.stringify({ seed, id, column: column.name, ...told });
        expect(told.value, about).toEqual(customer[column.name]);
        if (column.from === "columns")
          expect(isNear(await computed(column, told), told.value), about).toBe(true);
        else if (column.from !== "profile") expect(isExplained(column, told), about).toBe(true);
      }
    }
  },
);

test("rows come 200 at a time, newest first, each exactly once, and a cursor is for its column and customer", async () => {
  const salon = await makeOrganization(database, "M1");
  const bookings = Array.from({ length: 450 }, (_, n) => ({
    booking_id: `b${n}`,
    start_at: new Date(Date.UTC(2026, 0, 1, 0, Math.floor(n / 30))).toISOString(),
    status: n % 3 === 0 ? "NO_SHOW" : "ACCEPTED",
  }));
  await insert(database, salon, "bookings", bookings);
  await insert(database, salon, "bookings", [
    { booking_id: "other", customer_id: "ben", start_at: "2026-01-01T00:00:00Z" },
  ]);
  await recomputeAt(database, salon, ["ana", "ben"], NOW.toISOString());
  const { rows, value } = await explained(salon, "ana", "total_visits");
  expect(rows.map(({ id }) => id).sort()).toEqual(bookings.map(({ booking_id }) => booking_id).sort());
  expect(rows.map(({ time }) => time)).toEqual(
    rows
      .map(({ time }) => time)
      .sort()
      .reverse(),
  );
  expect([value, rows.filter(({ counted }) => counted).length]).toEqual([300, 300]);

  const { older } = await get(`${customerUrl(salon, "ana")}/explain/total_visits`);
  for (const other of ["ana/explain/total_bookings", "ben/explain/total_visits"]) {
    const refused = await get(`/api/organizations/${salon}/customers/${other}?before=${older}`);
    expect(refused).toMatchObject({ status: 400, code: "invalid_cursor", parameter: "before" });
  }
  expect(await get(`${customerUrl(salon, "ana")}/explain/organization_id`)).toMatchObject({
    code: "column_not_found",
  });
  expect(await get(`${customerUrl(salon, "nobody")}/explain/total_visits`)).toMatchObject({
    code: "customer_not_found",
  });
});

test("the CSV of a value has the rows of all its pages in their order, and a refusal is no CSV", async () => {
  const salon = await makeOrganization(database, "M1");
  const payments = Array.from({ length: 450 }, (_, n) => ({
    payment_id: n === 7 ? "=1+1" : `p${n}`,
    created_at: new Date(Date.UTC(2026, 0, 1, 0, Math.floor(n / 30))).toISOString(),
    status: n % 3 === 0 ? "FAILED" : "COMPLETED",
  }));
  await insert(database, salon, "payments", payments);
  await insert(database, salon, "customer_aliases", [{ from_customer_id: "old", to_customer_id: "ana" }]);
  await recomputeAt(database, salon, ["ana"], NOW.toISOString());
  const csv = (of: string) =>
    app.http.inject({ url: `/api/organizations/${salon}/customers/${of}`, headers: adminHeaders });
  const { rows } = await explained(salon, "ana", "total_payments");
  expect(rows).toHaveLength(450);
  for (const id of ["ana", "old"]) {
    const { headers, body } = await csv(`${id}/explain/total_payments.csv`);
    expect(headers["content-type"]).toBe("text/csv; charset=utf-8");
    expect(headers["content-disposition"]).toBe('attachment; filename="total_payments.csv"');
    expect(readCsv(body.slice(1))).toEqual(
      rows.map(({ id, time, value, counted }) => ({
        id: id.replace(/^=/, "'="),
        time,
        value: String(value ?? ""),
        counted: String(counted),
      })),
    );
  }
  expect((await csv("ana/explain/is_overdue.csv")).body).toBe("\uFEFFid,time,value,counted\r\n");
  for (const [of, code] of [
    ["ana/explain/organization_id.csv", "column_not_found"],
    ["nobody/explain/total_payments.csv", "customer_not_found"],
    ["ana/explain/total_payments.csv?before=x", "invalid_request"],
  ] as const) {
    expect((await csv(of)).json(), of).toMatchObject({ code });
  }
});

test.each(Array.from({ length: casesHere(5) }, (_, at) => 100 + at))(
  "the list, a customer, explain, the KPI and the daily view agree on how many came and what was paid, seed %i",
  async (seed) => {
    const { organizationId, start, end } = await makeRandomWorld(database, seed);
    const ids = customerIdsOf(await readFacts(database, organizationId));
    await recomputeAt(database, organizationId, ids, end.toISOString());
    app.clock.now = end;
    const base = `/api/organizations/${organizationId}`;
    const { customers } = await get(`${base}/customers?limit=200`);
    const day = (instant: Date, days: number) =>
      new Date(instant.getTime() + days * 86_400_000).toISOString().slice(0, 10);
    const ever = `from=${day(start, -400)}&to=${day(end, 400)}`;
    const { current } = await get(`${base}/kpi?${ever}`);
    const { days } = await get(`${base}/appointments/daily?${ever}`);
    const clients = customers.filter((row: Row) => row.first_booking_at !== null);
    expect(current).toMatchObject({ unique_customers: clients.length, new_customers: clients.length });
    const sum = (rows: Row[], name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
    expect(sum(days, "new_customers")).toBe(clients.length);
    for (const row of customers.slice(0, 3)) {
      const { customer } = await get(customerUrl(organizationId, row.square_customer_id));
      expect(row).toMatchObject(customer);
      const { value, rows } = await explained(organizationId, row.square_customer_id, "total_revenue_cents");
      const counted = rows.filter((contribution) => contribution.counted);
      expect([row.total_revenue_cents, sum(counted as never, "value")]).toEqual([value, value]);
    }
  },
);

type Row = Readonly<Record<string, unknown>>;

test("a merged id is explained by its survivor, and a row that is due is recomputed first", async () => {
  const salon = await makeOrganization(database, "M1");
  await insert(database, salon, "bookings", [{ booking_id: "b1", start_at: "2026-06-02T00:00:00Z" }]);
  await insert(database, salon, "customer_aliases", [{ from_customer_id: "old", to_customer_id: "ana" }]);
  await recomputeAt(database, salon, ["ana"], NOW.toISOString());
  expect(await get(`${customerUrl(salon, "old")}/explain/total_visits`)).toMatchObject({
    square_customer_id: "ana",
    value: 0,
    exact_until: "2026-06-02T00:00:00.000Z",
  });
  app.clock.now = new Date("2026-06-02T00:00:00Z");
  expect(await get(`${customerUrl(salon, "old")}/explain/total_visits`)).toMatchObject({
    value: 1,
    as_of: "2026-06-02T00:00:00.000Z",
    rows: [{ id: "b1", time: "2026-06-02T00:00:00.000Z", value: 1, counted: true }],
  });
});

test("the dictionary has every column of a row, each with its meaning and its SQL", async () => {
  const { columns: told, definition_version } = await get("/api/columns");
  expect(told.map(({ name }: Column) => name)).toEqual(columns.map(({ name }) => name));
  expect(told.filter(({ sql }: { sql: string }) => sql === "" || /undefined|\n/.test(sql))).toEqual([]);
  expect(definition_version).toBeGreaterThan(2);
});
