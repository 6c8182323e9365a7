import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { SalonEvent } from "../../src/simulator/salon.js";
import { signBody } from "../../src/square/signature.js";
import { asAdmin, loadDataset, urlOf, withBenchDatabase } from "./bench-database.js";
import { benchmarkDataset } from "./dataset.js";
import { recordCalls, runPgbench } from "./pgbench.js";

const KEY = "benchmark-signature-key";
const URL_SIGNED = "https://regulars.example/webhooks/square";
export const PORT = 3999;
const DATABASE = "regulars_bench_webhooks";

export interface WebhookFigures {
  readonly connections: number;
  readonly eventsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly pgbenchPerSecond: number;
  readonly ratio: number;
  /** Processor time for each event in milliseconds: the server's, its database connections', the load's. */
  readonly serverCpu: number;
  readonly databaseCpu: number;
  readonly loadCpu: number;
  /** Bytes for each event: of write-ahead log, and by which the database's files grow. */
  readonly walBytes: number;
  readonly storedBytes: number;
  /** Whole pages in that log. */
  readonly walPages: number;
  readonly statuses: Readonly<Record<string, number>>;
}

/** One run of signed HTTP load from its own process, beside pgbench with the bare transactions. */
export async function benchWebhooks({ seconds }: { seconds: number }): Promise<WebhookFigures[]> {
  const dataset = benchmarkDataset();
  return withBenchDatabase(DATABASE, async (database) => {
    say(
      `loading ${Object.entries(dataset.counts)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(", ")}`,
    );
    await loadDataset(database, dataset);
    await database.close();
    const { stored } = await bytesOf(DATABASE);
    say(
      `each customer takes ${Math.round(stored / (dataset.counts.customer ?? 1))} bytes, with everything about it`,
    );
    const upcoming = dataset.upcoming();
    say("recording the transactions of 16,000 events for pgbench");
    const calls = await recordCalls(DATABASE, take(upcoming, 16_000), dataset.now);
    say("pgbench");
    const bare = await runPgbench(DATABASE, calls, [
      { clients: 1, transactions: 2_400 },
      { clients: 32, transactions: 8_000 },
    ]);
    const figures: WebhookFigures[] = [];
    for (const { clients, perSecond } of bare) {
      say(`server under ${clients} connection(s) for ${seconds} s`);
      const load = await loadServer(upcoming, clients, seconds);
      figures.push({
        connections: clients,
        eventsPerSecond: load.perSecond,
        p50: load.p50,
        p99: load.p99,
        pgbenchPerSecond: perSecond,
        ratio: load.perSecond / perSecond,
        serverCpu: load.serverCpu,
        databaseCpu: load.databaseCpu,
        loadCpu: load.loadCpu,
        walBytes: load.walBytes,
        walPages: load.walPages,
        storedBytes: load.storedBytes,
        statuses: load.statuses,
      });
    }
    return figures;
  });
}

export interface Drive {
  readonly events: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds for each event. */
  readonly loadCpu: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly exhausted: boolean;
}

interface Load extends Drive {
  readonly serverCpu: number;
  readonly databaseCpu: number;
  readonly walBytes: number;
  readonly walPages: number;
  readonly storedBytes: number;
}

async function loadServer(
  upcoming: Iterator<SalonEvent>,
  connections: number,
  seconds: number,
): Promise<Load> {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-bench-"));
  const server = await startServer(DATABASE);
  try {
    // Before the measurement, everything is compiled and every plan is cached.
    await drive(writeEvents(folder, "warm", take(upcoming, 2_000)), connections, 3);
    const events = writeEvents(folder, "load", take(upcoming, connections === 1 ? 12_000 : 50_000));
    const backends = await backendsOf(DATABASE);
    const before = [cpuOf([server.pid ?? 0]), cpuOf(backends)] as const;
    // The first change of a page afterwards writes the whole page, so the log's size depends on the last checkpoint.
    await asAdmin("checkpoint");
    const bytesBefore = await bytesOf(DATABASE);
    const load = await drive(events, connections, seconds);
    if (load.exhausted) say("  (the events ran out before the time did)");
    const bytesAfter = await bytesOf(DATABASE);
    return {
      ...load,
      serverCpu: (cpuOf([server.pid ?? 0]) - before[0]) / load.events,
      databaseCpu: (cpuOf(backends) - before[1]) / load.events,
      walBytes: (bytesAfter.wal - bytesBefore.wal) / load.events,
      walPages: (bytesAfter.pages - bytesBefore.pages) / load.events,
      storedBytes: (bytesAfter.stored - bytesBefore.stored) / load.events,
    };
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
    rmSync(folder, { recursive: true });
  }
}

export async function backendsOf(database: string): Promise<number[]> {
  const [rows] = await asAdmin(`select pid from pg_stat_activity where datname = '${database}'`);
  return (rows ?? []).map(({ pid }) => Number(pid));
}

/** The position of the write-ahead log, the whole pages in it so far, and the size of the database's files. */
export async function bytesOf(database: string): Promise<{ wal: number; pages: number; stored: number }> {
  const [rows] = await asAdmin(`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as wal, (select wal_fpi from pg_stat_wal) as pages,
      pg_database_size('${database}') as stored`);
  const { wal, pages, stored } = rows?.[0] ?? {};
  return { wal: Number(wal), pages: Number(pages), stored: Number(stored) };
}

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/** The processor time of these processes in milliseconds. It is 0 without /proc. */
export function cpuOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // The process has ended, and its time is unknown.
    }
  }
  return ticks * TICK_MS;
}

/** Starts the real server on a database, at `PORT`. */
export async function startServer(
  database: string,
  more: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const env = {
    ...process.env,
    DATABASE_URL: urlOf(database),
    PORT: `${PORT}`,
    LOG_LEVEL: "warn",
    SQUARE_WEBHOOK_SIGNATURE_KEY: KEY,
    SQUARE_WEBHOOK_NOTIFICATION_URL: URL_SIGNED,
    ...more,
  };
  const server = spawn(process.execPath, ["--import", "tsx", "src/main.ts", "serve"], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  for (let tries = 0; tries < 200; tries++) {
    const ready = await fetch(`http://127.0.0.1:${PORT}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return server;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  server.kill("SIGKILL");
  throw new Error("the server did not become ready");
}

/** @returns the file of signed events that `drive` sends */
export function writeEvents(
  folder: string,
  name: string,
  events: readonly { readonly event: unknown }[],
): string {
  const file = path.join(folder, `${name}.ndjson`);
  const lines = events.map(({ event }) => {
    const body = JSON.stringify(event);
    return JSON.stringify({ body, signature: signBody(KEY, URL_SIGNED, body) });
  });
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

/** @param rate the most events per second */
export async function drive(
  file: string,
  connections: number,
  seconds: number,
  rate = Number.POSITIVE_INFINITY,
): Promise<Drive> {
  const script = path.join(import.meta.dirname, "load-process.ts");
  const args = ["--import", "tsx", script, file, `${PORT}`, `${connections}`, `${seconds}`, `${rate}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Drive;
}

function take(events: Iterator<SalonEvent>, count: number): SalonEvent[] {
  const taken: SalonEvent[] = [];
  for (let next = events.next(); !next.done; next = events.next()) {
    taken.push(next.value);
    if (taken.length === count) break;
  }
  return taken;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
