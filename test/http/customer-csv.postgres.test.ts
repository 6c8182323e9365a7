import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../../src/database/database.js";
import { csvColumns } from "../../src/http/csv.js";
import { addSalon, adminHeaders, NOW, openTestApp } from "../support/app.js";
import { readCsv } from "../support/csv.js";
import { openTestDatabase } from "../support/database.js";
import { recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const PAGES = 30;
/** Each row has 7 kB, so all pages together are more than fits between server and client. */
const CSV_PAGE = 100;
const database = await openTestDatabase();
let salon: string;

beforeAll(async () => {
  salon = await addSalon(database);
  await insert(database, salon, "bookings", [{ booking_id: "b1", start_at: "2026-05-01T00:00:00Z" }]);
  await recomputeAt(database, salon, ["ana"], NOW.toISOString());
  await database.pool.query(
    `insert into customer_analytics
     select copy.* from customer_analytics a
     cross join generate_series(2, $1::integer) n
     cross join lateral jsonb_populate_record(a, jsonb_build_object('square_customer_id', 'C' || n,
       'given_name', 'N' || n % 70, 'email_address', repeat('x', 7000), 'is_overdue', n % 2 = 0)) as copy
     where a.square_customer_id = 'ana'`,
    [PAGES * CSV_PAGE],
  );
  await database.pool.query("analyze customer_analytics");
});

/** The app, and how often it has taken a connection for a transaction. */
async function open() {
  let connections = 0;
  const connect = async () => {
    connections += 1;
    return database.pool.connect();
  };
  const pool = new Proxy(database.pool, {
    get: (target, name) => {
      const value = name === "connect" ? connect : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const app = await openTestApp({ ...database, pool } as Database, { csvPage: CSV_PAGE });
  await app.http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.http.server.address() as AddressInfo;
  const download = async (query: string): Promise<IncomingMessage> => {
    const path = `/api/organizations/${salon}/customers.csv?${query}`;
    const [response] = await once(get({ port, path, agent: false, headers: adminHeaders }), "response");
    return response;
  };
  return { app, download, connections: () => connections };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

test("the CSV holds every customer of the list once, in its order, with its filters", async () => {
  const { app, download } = await open();
  const query = "sort=name&order=desc&overdue=true";
  const response = await download(query);
  expect(response.statusCode).toBe(200);
  expect(response.headers["content-type"]).toBe("text/csv; charset=utf-8");
  const text = await textOf(response);
  expect(text.startsWith("\uFEFForganization_id,square_customer_id,")).toBe(true);
  const rows = readCsv(text.slice(1));
  expect(Object.keys(rows[0] ?? {})).toEqual(csvColumns);
  const url = `/api/organizations/${salon}/customers?${query}&limit=200`;
  const list = await app.http.inject({ url, headers: adminHeaders });
  const { customers } = list.json<{ customers: Record<string, unknown>[] }>();
  expect(new Set(Object.keys(customers[0] ?? {}))).toEqual(new Set(csvColumns));
  expect(rows.slice(0, 200)).toEqual(customers.map((customer) => asText(customer)));
  expect(rows).toHaveLength((PAGES * CSV_PAGE) / 2);
  expect(new Set(rows.map((row) => row.square_customer_id)).size).toBe(rows.length);
});

function asText(row: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (value: unknown) =>
    value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)]));
}

test("nothing more is read for a client that has gone", async () => {
  const { download, connections } = await open();
  const leaving = await download("");
  await once(leaving, "data");
  leaving.destroy();
  const whole = readCsv((await textOf(await download(""))).slice(1));
  expect(whole).toHaveLength(PAGES * CSV_PAGE);
  // The second download took a connection for each of its pages; the first, for what fits between server and client.
  expect(connections()).toBeLessThan(PAGES * 1.7);
});

test("a question that cannot be answered is refused before anything is sent", async () => {
  const { download } = await open();
  for (const query of ["limit=5", "cursor=x", "segment=OLD"]) {
    const response = await download(query);
    expect([query, response.statusCode]).toEqual([query, 400]);
    expect(JSON.parse(await textOf(response))).toMatchObject({ code: "invalid_request" });
  }
});
