import { randomInt } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { idsOfCustomer } from "../../src/inbox/customer-ids.js";
import { type ExportScope, exportHeader, exportPages } from "../../src/operations/export.js";
import { ExportFile } from "../../src/operations/export-file.js";
import { exportedTables } from "../../src/operations/export-kinds.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { casesHere, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { turbulence } from "../support/turbulence.js";
import { makeOrganization, takeIn } from "../support/worlds.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const database = await openTestDatabase();
const { pool } = database;
const organizationId = await makeOrganization(database, "M-EXPORT");
const salon = simulateSalon({
  ...turbulence,
  seed: "export",
  start: new Date("2026-03-01T00:00:00Z"),
  end: NOW,
  customers: 12,
  merchantId: "M-EXPORT",
});
await takeIn(
  database,
  [...salon.events()].map(({ event }) => event),
  NOW,
);
await pool.query(
  `with c as (select min(square_customer_id) as first, max(square_customer_id) as last from customers)
   , profile as (insert into referral_profiles select $1, first, 'CODE', null, true, $2 from c)
   insert into referral_rewards select $1, 'REWARD', first, last, 'PAID', 500 from c`,
  [organizationId, NOW],
);
// Another organization, of which nothing may be seen.
await makeRandomWorld(database, 5);
const everybody: ExportScope = { organizationId, customer: null };
const folder = await mkdtemp(path.join(tmpdir(), "regulars-export-"));
afterAll(() => rm(folder, { recursive: true }));
const out = path.join(folder, "out.ndjson");

/** Payments of more than 2^53 cents, as numbers in the columns and in Square's own object. */
await pool.query(
  `update payments set amount_cents = 9007199254740993, raw = '{"amount": 9007199254740993}'
   where (organization_id, payment_id) in (select organization_id, min(payment_id) from payments group by 1)`,
);

async function linesOf(scope: ExportScope): Promise<string[]> {
  const lines: string[] = [];
  for await (const page of exportPages(pool, scope)) lines.push(...page.lines);
  return lines;
}

const linesOfEverybody = await linesOf(everybody);
const parse = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));
const ofType = (lines: readonly string[], type: string) =>
  lines.filter((line) => line.startsWith(`{"type":"${type}",`));

test("every row of the organization is a line with all its columns, to the last digit, and no other row is", async () => {
  const { rows: tables } = await pool.query<{ name: string; key: string }>(
    `select table_name as name, string_agg(column_name, ',' order by ordinal_position) as key
     from information_schema.key_column_usage
     join pg_class on pg_class.oid = table_name::regclass and not relispartition
     where constraint_name like '%_pkey' group by 1
     having bool_or(column_name = 'organization_id') order by 1`,
  );
  // For the program's own work, and sums of the rows that are exported.
  const own = ["day_keeping", "day_marks", "kept_days", "kept_revenue", "pending_fetches", "sync_positions"];
  expect(tables.map(({ name }) => name)).toEqual([...Object.keys(exportedTables), ...own].sort());
  const bookings = `(select jsonb_build_object('booking_id', line ->> 'booking_id') || s as line
    from given, jsonb_array_elements(line -> 'segments') as s where line ->> 'type' = 'booking')`;
  for (const [name, type] of Object.entries(exportedTables)) {
    const lines =
      name === "booking_segments" ? bookings : `(select line from given where line ->> 'type' = '${type}')`;
    const { rows } = await pool.query(
      `with given as (select line::jsonb from unnest($2::text[]) as line),
       exported as (
         select to_jsonb(r) - 'order_key' as row
         from ${lines} as l, jsonb_populate_record(null::${name}, line || jsonb_build_object('organization_id', $1::uuid)) r
       ),
       stored as (select to_jsonb(t) - 'order_key' as row from ${name} t where organization_id = $1)
       select (select count(*) from exported) as exported, (select count(*) from stored) as stored,
         array(select row from exported except select row from stored) as wrong,
         array(select row from stored except select row from exported) as missing`,
      [organizationId, linesOfEverybody],
    );
    expect({ name, ...rows[0] }).toEqual({
      name,
      exported: rows[0].stored,
      stored: rows[0].stored,
      wrong: [],
      missing: [],
    });
  }
  expect(ofType(linesOfEverybody, "organization")).toHaveLength(1);
  expect(linesOfEverybody.join("\n")).not.toMatch(/order_key|access_token/);
});

test("money past 2^53 is a string, Square's own objects keep their digits, times are RFC 3339 in UTC", () => {
  const [first = ""] = ofType(linesOfEverybody, "payment");
  expect(first).toMatch(/"amount_cents":"9007199254740993"/);
  expect(first).toMatch(/"raw":\{"amount": 9007199254740993\}/);
  const [row] = parse(ofType(linesOfEverybody, "customer_analytics"));
  expect(row).toMatchObject({ total_bookings: expect.any(Number), is_overdue: expect.any(Boolean) });
  for (const [name, value] of parse(linesOfEverybody).flatMap((line) => Object.entries(line))) {
    if (/_at$/.test(name) && value !== null)
      expect(value).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
  }
});

test("an export that was cut off at any byte goes on there, without a missing line or one too many", async () => {
  const run = async (stopAfter: number, now = NOW, restart = false) => {
    const file = await ExportFile.open(out, exportHeader(everybody, now), restart);
    let pages = 0;
    for await (const { lines } of exportPages(pool, everybody, file.after)) {
      if (lines.length > 0) await file.write(lines);
      pages += 1;
      if (pages === stopAfter) break;
    }
    if (pages < stopAfter) await file.finish();
    await file.close();
    return file;
  };
  const whole = `${[JSON.stringify(exportHeader(everybody, NOW)), ...linesOfEverybody].join("\n")}\n`;
  // Of some kinds there are several pages.
  expect(ofType(linesOfEverybody, "webhook_event").length).toBeGreaterThan(100);
  const later = new Date(NOW.getTime() + 3_600_000);
  for (let left = casesHere(10); left > 0; left--) {
    await run(randomInt(1, 10), NOW, true);
    const { length } = await readFile(`${out}.part`);
    await truncate(`${out}.part`, randomInt(1, length + 1));
    const { resumed, counts } = await run(Number.POSITIVE_INFINITY, later);
    // Nothing is whole when the header is not.
    const begunAt = resumed ? NOW : later;
    expect(await readFile(out, "utf8")).toBe(whole.replace(NOW.toISOString(), begunAt.toISOString()));
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBeLessThan(
      linesOfEverybody.length,
    );
  }
  await run(2);
  const tomorrow = new Date(NOW.getTime() + 25 * 3_600_000);
  expect(await run(2, tomorrow)).toMatchObject({ resumed: false, counts: {} });
  expect(await run(2, tomorrow)).toMatchObject({ resumed: true, counts: { organization: 1 } });
  expect(await run(2, tomorrow, true)).toMatchObject({ resumed: false, counts: {} });
  const other = exportHeader({ organizationId, customer: { id: "C", ids: ["C"] } }, tomorrow);
  await expect(ExportFile.open(out, other, false)).rejects.toMatchObject({ code: "export_mismatch" });
  await writeFile(`${out}.part`, `${JSON.stringify(other)}\n{"no`);
  await expect(ExportFile.open(folder, other, false)).rejects.toMatchObject({ code: "file_unwritable" });
});

test("a customer's export holds all that is about them and about those merged into them, and nothing else", async () => {
  const objects = linesOfEverybody.map((line) => ({ line, ...JSON.parse(line) }));
  const find = (type: string, is: (object: Record<string, string>) => boolean) =>
    objects.filter((object) => object.type === type && is(object));
  const about = (id: string, ids: readonly string[]): string[] => {
    const isTheirs =
      (...columns: string[]) =>
      (object: Record<string, string>) =>
        columns.some((column) => ids.includes(object[column] ?? ""));
    const bookings = find("booking", ({ customer_id }) => customer_id === id);
    const payments = find("payment", ({ customer_id }) => customer_id === id);
    const refunds = find("refund", (refund) =>
      payments.some(({ payment_id }) => payment_id === refund.payment_id),
    );
    const names = [
      ...ids,
      ...[...bookings, ...payments, ...refunds].flatMap((object) =>
        ["booking_id", "payment_id", "refund_id", "order_id"].flatMap((column) => object[column] ?? []),
      ),
    ];
    return [
      ...find("customer", isTheirs("square_customer_id")),
      ...find("customer_merge", isTheirs("from_customer_id", "to_customer_id")),
      ...find("customer_recovery", isTheirs("square_customer_id")),
      ...find("customer_alias", ({ to_customer_id }) => to_customer_id === id),
      ...bookings,
      ...payments,
      ...refunds,
      ...find("referral_profile", isTheirs("square_customer_id")),
      ...find("referral_reward", isTheirs("referrer_customer_id", "referred_customer_id")),
      ...find("customer_analytics", ({ square_customer_id }) => square_customer_id === id),
      ...find("webhook_event", ({ payload }) =>
        names.some((name) => JSON.stringify(payload).includes(`"${name}"`)),
      ),
    ].map(({ line }) => line);
  };
  const aliases = new Map(
    find("customer_alias", () => true).map((alias) => [alias.from_customer_id, alias.to_customer_id]),
  );
  const customers = ["customer", "customer_analytics"].flatMap((type) => find(type, () => true));
  const ids = [...new Set<string>(customers.map(({ square_customer_id }) => square_customer_id))];
  for (const id of ids) {
    const customer = await idsOfCustomer(pool, organizationId, id);
    expect(customer.id).toBe(aliases.get(id) ?? id);
    const merged = [...aliases].flatMap(([from, to]) => (to === customer.id ? [from] : []));
    expect(await linesOf({ organizationId, customer }), id).toEqual(
      about(customer.id, [customer.id, ...merged]),
    );
  }
});
