/** One upgrade: older data, the migrations, a sweep, and webhooks afterwards. */
import { definitionVersion } from "../../../src/analytics/column.js";
import type { Database } from "../../../src/database/database.js";
import { checkSchema, migrate } from "../../../src/database/migrate.js";
import { Inbox } from "../../../src/inbox/inbox.js";
import { silentLog } from "../../../src/log.js";
import { sanityCheck } from "../../../src/operations/sanity-check.js";
import { addOrganization } from "../../../src/organizations/organizations.js";
import { simulateSalon } from "../../../src/simulator/salon.js";
import { type SweepContext, sweep } from "../../../src/sweep/sweep.js";
import { expectedAnalytics, explainTableDifferences } from "../../oracle/index.js";
import { received } from "../../support/events.js";
import { withRarities } from "../../support/rarities.js";
import { comparableTables } from "../../support/square.js";
import { turbulence } from "../../support/turbulence.js";
import { readFacts, readRows } from "../../support/worlds.js";
import { ageRows, copyRows, goBackTo, leaveUnfinished } from "./old-database.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const START = new Date("2026-02-01T00:00:00Z");

export interface Upgraded {
  /** One line for each broken promise. */
  readonly wrong: readonly string[];
  readonly rows: number;
  readonly events: number;
}

/**
 * @param newest a migrated database without rows. It gets the first half of a salon's events, and later all of them
 * @param old gets the schema of the migration `last`, and the first half of the events as an older program stored
 *   them
 * @param empty deletes every row of `newest`
 */
export async function upgrade(
  newest: Database,
  old: Database,
  { last, seed, empty }: { last: string; seed: string; empty: () => Promise<void> },
): Promise<Upgraded> {
  const merchantId = "M-UPGRADED";
  const salon = simulateSalon({ ...turbulence, seed, merchantId, customers: 6, start: START, end: NOW });
  const events = [...salon.events()].map(({ event }) => received(withRarities(event)));
  const before = events.slice(0, Math.ceil(events.length / 2));
  const after = events.slice(before.length);

  await empty();
  await addOrganization(newest, { merchantId, name: "Salon" }, START);
  const wrong = await takeIn(newest, before);
  await goBackTo(old, last);
  await copyRows(newest, old);
  await ageRows(old);
  const deferred = before.find(({ type }) => type === "payment.updated") ?? before[0];
  await leaveUnfinished(old, deferred?.event_id ?? "", NOW);

  await migrate(old);
  wrong.push(...(await sweepOnce(old, last)), ...(await exactness(old)), ...(await sanity(old)));
  wrong.push(...(await takeIn(old, before, /^duplicate$/)), ...(await takeIn(old, after)));
  await empty();
  const { id } = await addOrganization(newest, { merchantId, name: "Salon" }, START);
  wrong.push(...(await takeIn(newest, events)));
  const whole = await comparableTables(newest, id);
  const upgraded = await comparableTables(old, await organizationIn(old));
  for (const [table, rows] of Object.entries(whole)) {
    const same = JSON.stringify(rows) === JSON.stringify(upgraded[table as keyof typeof upgraded]);
    if (!same) wrong.push(`${last}: ${table} differs from that of a new database after the same events`);
  }
  return { wrong, rows: Object.values(whole).flat().length, events: events.length };
}

/** @returns a line for each event with an unexpected outcome */
async function takeIn(
  database: Database,
  events: readonly ReturnType<typeof received>[],
  expected = /^(processed|stale|duplicate)$/,
): Promise<string[]> {
  const { inbox } = contextOf(database);
  const wrong: string[] = [];
  for (let at = 0; at < events.length; at += 100) {
    const burst = events.slice(at, at + 100);
    const ends = await Promise.all(burst.map((event) => inbox.receive(event)));
    for (const [index, end] of ends.entries()) {
      if (!expected.test(end)) wrong.push(`${burst[index]?.type} ended as ${end}`);
    }
  }
  return wrong;
}

function contextOf(database: Database): Omit<SweepContext, "inbox"> & { inbox: Inbox } {
  const clock = () => NOW;
  return {
    database,
    clock,
    log: silentLog,
    inbox: new Inbox({ database, clock, log: silentLog }),
    openApi: () => {
      throw new Error("nothing here has a token");
    },
  };
}

/** The hourly sweep rewrites every row by the newest definitions, and reports no drift. */
async function sweepOnce(database: Database, last: string): Promise<string[]> {
  const { pool } = database;
  const { rows } = await pool.query<{ old: bigint }>("select count(*) as old from customer_analytics");
  const report = await sweep(contextOf(database), "recent");
  if ("skipped" in report) return ["another sweep was running"];
  const { errors, drift, created, deleted, time_decayed, events_retried } = report;
  const left = await pool.query("select from customer_analytics where definition_version <> $1", [
    definitionVersion,
  ]);
  const { state } = await checkSchema(database);
  return [
    ...errors.map((error) => `the sweep failed: ${JSON.stringify(error)}`),
    ...(drift.length + created + deleted > 0 ? [`the sweep reports drift: ${JSON.stringify(report)}`] : []),
    ...(BigInt(time_decayed) === rows[0]?.old
      ? []
      : [`${time_decayed} of ${rows[0]?.old} rows were rewritten`]),
    ...(events_retried === 1 ? [] : [`${events_retried} deferred events were retried, not 1`]),
    ...(left.rowCount === 0 ? [] : [`${left.rowCount} rows are of older definitions`]),
    ...(state === "current" ? [] : [`the schema is ${state}`]),
  ].map((line) => `${last}: ${line}`);
}

/** Compares every row with the oracle. */
async function exactness(database: Database): Promise<string[]> {
  const id = await organizationIn(database);
  const expected = expectedAnalytics(await readFacts(database, id), NOW);
  return explainTableDifferences(expected.values(), await readRows(database, id, "customer_analytics"), [
    "square_customer_id",
  ]);
}

async function sanity(database: Database): Promise<string[]> {
  const wrong: string[] = [];
  for await (const { name, passed, examples } of sanityCheck(database, () => NOW, true)) {
    if (!passed) wrong.push(`sanity-check: ${name}: ${examples.join("; ")}`);
  }
  return wrong;
}

async function organizationIn({ pool }: Database): Promise<string> {
  const { rows } = await pool.query<{ id: string }>("select id from organizations");
  return rows[0]?.id ?? "";
}
