/** Makes organizations for tests, processes their events, and reads their rows with exact numbers. */
import { randomUUID } from "node:crypto";
import { recomputeStatement } from "../../src/analytics/statement.js";
import type { Database } from "../../src/database/database.js";
import { query } from "../../src/database/query.js";
import { Inbox } from "../../src/inbox/inbox.js";
import type { Outcome } from "../../src/inbox/received-event.js";
import { silentLog } from "../../src/log.js";
import { readEnvelope } from "../../src/square/envelope.js";
import { readJson } from "../../src/square/read-json.js";
import {
  expectedAnalytics,
  expectedAppointmentsDaily,
  expectedProfiles,
  expectedRevenueDaily,
  expectedRfm,
  explainTableDifferences,
  type FactTables,
  type InstantLike,
  type Row,
} from "../oracle/index.js";

export interface OrganizationOptions {
  readonly currency?: string | null;
  readonly timeZone?: string;
  readonly settings?: unknown;
}

/** Makes an organization and returns its id. */
export async function makeOrganization(
  { pool }: Database,
  merchantId: string,
  { currency = "USD", timeZone = "America/Los_Angeles", settings = {} }: OrganizationOptions = {},
): Promise<string> {
  const id = randomUUID();
  await pool.query(
    `insert into organizations (id, square_merchant_id, name, currency, time_zone, settings)
     values ($1, $2, 'Salon', $3, $4, $5)`,
    [id, merchantId, currency, timeZone, JSON.stringify(settings)],
  );
  return id;
}

export interface LocationOptions {
  readonly square_location_id: string;
  readonly name: string;
  readonly time_zone: string | null;
}

export async function addLocations(
  { pool }: Database,
  organizationId: string,
  locations: readonly LocationOptions[],
): Promise<void> {
  await pool.query(
    `insert into locations (organization_id, square_location_id, name, time_zone, status)
     select $1, square_location_id, name, time_zone, 'ACTIVE'
     from jsonb_to_recordset($2) as l (square_location_id text, name text, time_zone text)`,
    [organizationId, JSON.stringify(locations)],
  );
}

/** Processes events, `atOnce` of them in each transaction. @returns their outcomes in order */
export async function takeIn(
  database: Database,
  events: readonly unknown[],
  now: Date,
  atOnce = 128,
): Promise<Outcome[]> {
  const inbox = new Inbox({
    database,
    clock: () => now,
    log: silentLog,
    maxBatch: atOnce,
  });
  const outcomes: Outcome[] = [];
  for (let at = 0; at < events.length; at += atOnce) {
    const envelopes = events
      .slice(at, at + atOnce)
      .map((event) => readEnvelope(readJson(Buffer.from(JSON.stringify(event)))));
    outcomes.push(...(await Promise.all(envelopes.map((envelope) => inbox.receive(envelope)))));
  }
  return outcomes;
}

/** JSON with exact integers: one beyond 2^53 is a bigint. */
function parse<Shape = Record<string, unknown>>(text: string): Shape {
  return readJson(Buffer.from(text)) as Shape;
}

/** Rows as Postgres writes them in JSON: instants to the microsecond, numeric with all places. */
export async function readRows(
  { pool }: Database,
  organizationId: string,
  relation: string,
): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select to_jsonb(r)::text as row from ${relation} r where organization_id = $1`,
    [organizationId],
  );
  return rows.map(({ row }) => parse(row));
}

const factTables = [
  "locations",
  "customers",
  "customer_aliases",
  "team_members",
  "service_variations",
  "bookings",
  "booking_segments",
  "payments",
  "refunds",
  "referral_profiles",
  "referral_rewards",
] as const;

const factsText = `select jsonb_build_object('organization', (select to_jsonb(o) from organizations o where id = $1),
  ${factTables
    .map(
      (table) =>
        `'${table}', (select coalesce(jsonb_agg(t), '[]') from ${table} t where organization_id = $1)`,
    )
    .join(", ")})::text as facts`;

/** Everything the rows are computed from, read back for the oracle. */
export async function readFacts({ pool }: Database, organizationId: string): Promise<FactTables> {
  const { rows } = await pool.query<{ facts: string }>(factsText, [organizationId]);
  return parse<FactTables>(rows[0]?.facts ?? "");
}

export interface Recomputed {
  /** The sorted ids of customers. */
  readonly written: readonly string[];
  readonly deleted: readonly string[];
}

/** Runs the one statement at an instant with microseconds. The program's clock has only milliseconds. */
export async function recomputeAt(
  { pool }: Database,
  organizationId: string,
  customerIds: readonly string[],
  now: string,
): Promise<Recomputed> {
  const { rows } = await query<{ square_customer_id: string; outcome: string }>(
    pool,
    { name: "recompute_at", text: recomputeStatement },
    [organizationId, customerIds, now],
  );
  const having = (outcome: string) =>
    rows.flatMap((row) => (row.outcome === outcome ? [row.square_customer_id] : [])).sort();
  return { written: having("written"), deleted: having("deleted") };
}

/** Every id that any fact of the organization names, merged ones included. */
export function customerIdsOf(facts: FactTables): string[] {
  const ids = [
    ...facts.customers.map((row) => row.square_customer_id),
    ...facts.customer_aliases.flatMap((row) => [row.from_customer_id, row.to_customer_id]),
    ...facts.bookings.map((row) => row.customer_id),
    ...facts.payments.map((row) => row.customer_id),
    ...facts.referral_profiles.map((row) => row.square_customer_id),
    ...facts.referral_rewards.map((row) => row.referrer_customer_id),
  ];
  return [...new Set(ids.filter((id) => id !== null))].sort();
}

/** The differences between the stored rows and the oracle's rows from the stored facts at `now`. */
export async function analyticsDifferences(
  database: Database,
  organizationId: string,
  facts: FactTables,
  now: InstantLike,
): Promise<string[]> {
  const rows = await readRows(database, organizationId, "customer_analytics");
  return explainTableDifferences(expectedAnalytics(facts, now).values(), rows, ["square_customer_id"]);
}

/** The differences of the views over customer_analytics. The rows were computed at `now`. */
export async function customerViewDifferences(
  database: Database,
  organizationId: string,
  facts: FactTables,
  now: InstantLike,
): Promise<string[]> {
  const rows = [...expectedAnalytics(facts, now).values()];
  const scores = await readRows(database, organizationId, "customer_rfm");
  // Ages are computed when they are read, so the same statement also reads the instant.
  const { rows: read } = await database.pool.query<{ row: string; at: Date }>(
    `select to_jsonb(p)::text as row, now() as at from customer_profiles p where organization_id = $1`,
    [organizationId],
  );
  const profiles = expectedProfiles(rows, facts, read[0]?.at ?? now);
  const key = ["square_customer_id"];
  return [
    ...explainTableDifferences(expectedRfm(rows), scores, key),
    ...explainTableDifferences(
      profiles,
      read.map(({ row }) => parse(row)),
      key,
    ),
  ];
}

/**
 * The differences between the two daily views and `expected`. The default is the oracle's calculation from the facts.
 */
export async function dailyDifferences(
  database: Database,
  organizationId: string,
  expected: { appointments: Iterable<Row>; revenue: Iterable<Row> },
): Promise<string[]> {
  const day = ["location_id", "date"];
  const read = (view: string) => readRows(database, organizationId, view);
  return [
    ...explainTableDifferences(
      expected.appointments,
      await read("analytics_appointments_by_location_daily"),
      day,
    ),
    ...explainTableDifferences(expected.revenue, await read("analytics_revenue_by_location_daily"), [
      ...day,
      "currency",
    ]),
  ];
}

export function dailyOf(facts: FactTables) {
  return { appointments: expectedAppointmentsDaily(facts), revenue: expectedRevenueDaily(facts) };
}
