import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildApp } from "../../src/app.js";
import { type Database, openDatabase } from "../../src/database/database.js";
import { migrate } from "../../src/database/migrate.js";
import { keepDays } from "../../src/days/keep.js";
import { Inbox } from "../../src/inbox/inbox.js";
import { openLog } from "../../src/log.js";
import { customerSorts } from "../../src/reports/customer-statements.js";
import { addDays } from "../../src/reports/period.js";
import { paymentEvent } from "../support/events.js";
import { recordPlans } from "../support/plans.js";
import { asAdmin, urlOf } from "./bench-database.js";
import { customerId, loadReadData, MERCHANT } from "./read-data.js";
import { cpuOf, type Drive, drive, PORT, startServer, writeEvents } from "./webhooks.js";

const KEY = "benchmark-admin-key-of-the-read-benchmark";
const ROUNDS = 12;
/** The organization's local day. In UTC another day may have begun, and its bookings would count as those of a day. */
const today = new Intl.DateTimeFormat("sv", { timeZone: "America/Los_Angeles" }).format(new Date());

export interface ReadFigures {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
  /** The target in milliseconds. */
  readonly target: number;
  readonly detail?: string;
}

interface Question {
  readonly what: string;
  /** The path after the organization's address. The number picks another customer each time. */
  readonly path: (round: number) => string;
  readonly target: number;
  readonly rounds?: number;
}

interface ReadOptions {
  readonly customers: number;
  readonly rate: number;
  readonly keep?: true;
  readonly only?: string;
}

/** Measures every read route through the real server, beside webhooks, and prints the plans of what misses its target. */
export async function benchRead({ customers, rate, keep, only = "" }: ReadOptions): Promise<ReadFigures[]> {
  const name = `regulars_bench_read_${customers}`;
  const { database, organizationId } = await openData(name, customers);
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-bench-"));
  const server = await startServer(name, { ADMIN_API_KEY: KEY, RECONCILE_SCHEDULE: "off" });
  try {
    const payments = (part: string, count: number, daysAgo = 0) =>
      writeEvents(
        folder,
        part,
        Array.from({ length: count }, (_, n) => ({ event: paymentOf(part, n, customers, daysAgo) })),
      );
    await drive(payments("warm", 1_000), 4, 3);
    const quiet = await drive(payments("quiet", rate * 10), 8, 10, rate);
    const loaded = beside(() => drive(payments(`busy ${performance.now()}`, rate * 10), 8, 10, rate));
    const figures = await measureAll(organizationId, only);
    const busy = await loaded();
    figures.push({
      what: `webhooks, ${rate} a second`,
      p50: median(busy.map(({ p50 }) => p50)),
      p99: median(busy.map(({ p99 }) => p99)),
      target: 2 * quiet.p99,
      detail: `alone p50 ${quiet.p50.toFixed(1)}, p99 ${quiet.p99.toFixed(1)}; ${busy.length} runs of 10 s`,
    });
    if ("late payments".includes(only)) {
      const write = (daysAgo: number) => payments(`late ${performance.now()}`, 3_000, daysAgo);
      figures.push(await lateFigures(server.pid ?? 0, write));
    }
    await explainSlow(database, organizationId, figures).catch((error) => process.stderr.write(`${error}\n`));
    return figures;
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
    rmSync(folder, { recursive: true });
    await database.close();
    if (!keep) await asAdmin(`drop database if exists ${name} with (force)`);
  }
}

async function openData(name: string, customers: number) {
  await asAdmin(`create database ${name}`).catch(() => {});
  const database = await openDatabase({ databaseUrl: urlOf(name), dataDir: "", role: "command" });
  await migrate(database);
  const known = await database.prisma.organization.findUnique({ where: { squareMerchantId: MERCHANT } });
  if (!known) process.stderr.write(`making ${customers} customers\n`);
  const organizationId = known?.id ?? (await loadReadData(database, customers, new Date()));
  await keepAll(database, organizationId);
  return { database, organizationId };
}

/** Keeps the days, as sweeps do. */
async function keepAll({ pool }: Database, organizationId: string): Promise<void> {
  const started = performance.now();
  let kept = 0;
  const signal = new AbortController().signal;
  const onKept = (days: number) => {
    kept += days;
  };
  const options = { anew: false, until: Number.POSITIVE_INFINITY };
  await keepDays({ pool, clock: () => new Date(), signal, onKept }, organizationId, options);
  const { rows } = await pool.query(
    "select pg_total_relation_size('kept_days') + pg_total_relation_size('kept_revenue') as bytes",
  );
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  process.stderr.write(`  ${kept} days kept: ${seconds} s, ${rows[0].bytes} bytes\n`);
  await pool.query("vacuum analyze kept_days, kept_revenue");
}

/** An update of one of a day's payments with another amount. A salon of this size takes about two thousand a day. */
function paymentOf(part: string, n: number, customers: number, daysAgo = 0) {
  const payments = Math.ceil(customers / 500);
  const id = n % payments;
  const customer_id = customerId(1 + ((id * 7_919) % customers));
  const day = addDays(today, -daysAgo);
  const times = { created_at: `${day}T00:00:00Z`, updated_at: new Date().toISOString() };
  const event = { merchant_id: MERCHANT, event_id: `${part} event ${n}` };
  const cents = 5_000 + Math.floor(n / payments);
  return paymentEvent({ id: `of ${day} ${id}`, customer_id, cents, ...times }, event);
}

/** What a payment of a kept day costs, which marks its day, beside one of today. In turns, as fast as it goes. */
async function lateFigures(server: number, write: (daysAgo: number) => string): Promise<ReadFigures> {
  const costs: Record<number, string[]> = { 0: [], 10: [] };
  const late: Drive[] = [];
  for (const daysAgo of [0, 10, 0, 10, 0, 10]) {
    const file = write(daysAgo);
    const before = cpuOf([server]);
    const load = await drive(file, 8, 60);
    const cpu = ((cpuOf([server]) - before) / load.events).toFixed(2);
    costs[daysAgo]?.push(`${load.perSecond.toFixed(0)}/s with ${cpu} ms of the server`);
    if (daysAgo > 0) late.push(load);
  }
  return {
    what: "late payments, 8 at once",
    p50: median(late.map(({ p50 }) => p50)),
    p99: median(late.map(({ p99 }) => p99)),
    target: Number.NaN,
    detail: `${costs[10]?.join(", ")}; of today ${costs[0]?.join(", ")}`,
  };
}

/** Repeats work until its results are requested. */
function beside(work: () => Promise<Drive>): () => Promise<Drive[]> {
  const done: Drive[] = [];
  let enough = false;
  const running = (async () => {
    while (!enough) done.push(await work());
  })();
  running.catch(() => {});
  return async () => {
    enough = true;
    await running;
    return done;
  };
}

const since = (days: number) => `from=${addDays(today, -days)}&to=${today}`;

const filters: readonly string[] = [
  ...["NEVER_VISITED", "NEW", "ACTIVE", "AT_RISK", "LOST"].map((segment) => `segment=${segment}`),
  ...["customer_type=POTENTIAL", "visit_frequency=WEEKLY", "location_id=L3", "technician_id=T17"],
  ...["overdue=true", "overdue=false", "due_within_days=7", "upcoming=true", "min_visits=15"],
  ...[`last_visit_from=${addDays(today, -30)}`, `last_visit_to=${addDays(today, -600)}`, "birthday_month=5"],
  ...[
    "q=a",
    "q=ash",
    "q=zinnia+ashgrove",
    "q=ashgrove3f",
    "q=client777@",
    "q=0004242",
    `q=${customerId(77)}`,
  ],
  "segment=AT_RISK&technician_id=T17&overdue=true",
];

const questions: readonly Question[] = [
  ...[...filters, ""].flatMap((filter) =>
    customerSorts.flatMap((sort) =>
      ["asc", "desc"].map((order) => ({
        what: `${filter || "everybody"} by ${sort} ${order}`,
        path: () => `customers?${filter}&sort=${sort}&order=${order}`,
        target: 30,
        rounds: 3,
      })),
    ),
  ),
  { what: "profile", path: (round) => `customers/${customerId(1 + round * 97)}`, target: 5, rounds: 60 },
  {
    what: "explain",
    path: (round) => `customers/${customerId(1 + round * 97)}/explain/total_revenue_cents`,
    target: 30,
  },
  { what: "KPI 30 days", path: () => `kpi?${since(29)}`, target: 100 },
  { what: "KPI 365 days", path: () => `kpi?${since(364)}`, target: 1_000, rounds: 4 },
  { what: "appointments 90 days", path: () => `appointments/daily?${since(89)}`, target: 50 },
  { what: "revenue 90 days", path: () => `revenue/daily?${since(89)}`, target: 50 },
  { what: "segments 90 days", path: () => `segments/daily?${since(89)}`, target: 3_000, rounds: 3 },
  { what: "movements 90 days", path: () => `segments/movements?${since(89)}`, target: 3_000, rounds: 3 },
  { what: "retention 90 days", path: () => `retention?${since(89)}`, target: 3_000, rounds: 3 },
  { what: "team 30 days", path: () => `team?${since(29)}`, target: 1_000, rounds: 3 },
];

async function measureAll(organizationId: string, only: string): Promise<ReadFigures[]> {
  const figures: ReadFigures[] = [];
  for (const { what, path, target, rounds = ROUNDS } of questions.filter(({ what }) => what.includes(only))) {
    const times: number[] = [];
    await read(organizationId, path(0));
    for (let round = 1; round <= rounds; round++)
      times.push((await read(organizationId, path(round))).milliseconds);
    const figure = { what, target, ...quantiles(times) };
    if (figure.p50 > target) process.stderr.write(`  slow: ${what} ${figure.p50.toFixed(0)} ms\n`);
    figures.push(figure);
  }
  for (const [sort, order] of [
    ["name", "asc"],
    ["last_visit_at", "desc"],
    ["total_visits", "desc"],
    ["overdue_at", "asc"],
  ]) {
    figures.push(await page500(organizationId, `customers?sort=${sort}&order=${order}&limit=50`));
  }
  figures.push(await csv(organizationId));
  return figures;
}

async function read(organizationId: string, path: string) {
  const started = performance.now();
  const url = `http://127.0.0.1:${PORT}/api/organizations/${organizationId}/${path}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${KEY}` } });
  const text = await answer.text();
  // The server cancels a statement after eight seconds.
  if (!answer.ok && answer.status !== 503) throw new Error(`${path}: ${answer.status} ${text.slice(0, 200)}`);
  return { milliseconds: performance.now() - started, text };
}

async function page500(organizationId: string, path: string): Promise<ReadFigures> {
  const times: number[] = [];
  let cursor = "";
  for (let page = 1; page <= 500 && cursor !== null; page++) {
    const { milliseconds, text } = await read(organizationId, `${path}${cursor && `&cursor=${cursor}`}`);
    times.push(milliseconds);
    cursor = JSON.parse(text).next_cursor;
  }
  const detail = `pages 1-20 p50 ${median(times.slice(0, 20)).toFixed(1)}`;
  return { what: `pages 480-500 of ${path}`, target: 30, ...quantiles(times.slice(-20)), detail };
}

/** Reads this number of customers as one CSV. */
async function csv(organizationId: string): Promise<ReadFigures> {
  const started = performance.now();
  const url = `http://127.0.0.1:${PORT}/api/organizations/${organizationId}/customers.csv?min_visits=12`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${KEY}` } });
  const wanted = 100_000;
  let lines = 0;
  for await (const chunk of answer.body ?? []) {
    lines += Buffer.from(chunk).filter((byte) => byte === 10).length;
    if (lines > wanted) break;
  }
  const milliseconds = performance.now() - started;
  return { what: `CSV, ${lines} lines`, p50: milliseconds, p99: milliseconds, target: 10_000 };
}

/** Runs the slow ones again in this process and prints the plans of their statements. */
const log = openLog("fatal");

async function explainSlow(database: Database, organizationId: string, figures: readonly ReadFigures[]) {
  const slow = questions.filter(({ what }) =>
    figures.some((each) => each.what === what && each.p50 > each.target),
  );
  const config = {
    webhook: { signatureKeys: ["unused"], notificationUrl: "https://unused.example" },
    adminApiKey: KEY,
  };
  for (const { what, path } of slow.slice(0, 12)) {
    const plans = await recordPlans(database, "analyze, buffers", async (recorded) => {
      const parts = {
        config,
        database: recorded,
        clock: () => new Date(),
        inbox: new Inbox({ database: recorded, clock: () => new Date(), log }),
        sweeps: {},
        log,
      };
      const { http } = await buildApp(parts as never);
      const url = `/api/organizations/${organizationId}/${path(0)}`;
      await http.inject({ url, headers: { authorization: `Bearer ${KEY}` } });
      await http.close();
    });
    for (const { text, plan } of plans.sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 1)) {
      process.stderr.write(`\n== ${what}\n${text.slice(0, 200)}\n${plan.slice(0, 40).join("\n")}\n`);
    }
  }
}

function quantiles(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function median(times: readonly number[]): number {
  return quantiles(times).p50;
}
