import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { openDatabase } from "../../src/database/database.js";
import { SESSION_PARAMETERS } from "../../src/database/session.js";
import { Inbox } from "../../src/inbox/inbox.js";
import { silentLog } from "../../src/log.js";
import type { SalonEvent } from "../../src/simulator/salon.js";
import { readEnvelope } from "../../src/square/envelope.js";
import { readJson } from "../../src/square/read-json.js";
import { asAdmin, urlOf } from "./bench-database.js";

/**
 * The yardstick: pgbench runs the statements that the inbox runs for one event, with the parameters of real events,
 * in one transaction for each event. The statements are recorded from the inbox itself on a copy of the database, so
 * they cannot differ.
 */

interface Call {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The statements between begin and commit, for each event. */
export async function recordCalls(base: string, events: readonly SalonEvent[], now: Date): Promise<Call[][]> {
  const copy = `${base}_recording`;
  await asAdmin(`drop database if exists ${copy} with (force)`, `create database ${copy} template ${base}`);
  const database = await openDatabase({ databaseUrl: urlOf(copy), dataDir: "", role: "command" });
  const recorded: Call[][] = [];
  let current: Call[] | undefined;
  const original = pg.Client.prototype.query as unknown as (...args: unknown[]) => unknown;
  const recording = function (this: unknown, ...args: unknown[]) {
    const [call] = args;
    if (call === "begin") current = [];
    else if (call === "commit" && current) recorded.push(current);
    else if (typeof call === "object") current?.push(call as Call);
    return original.apply(this, args);
  };
  try {
    const inbox = new Inbox({ database, clock: () => now, log: silentLog });
    Object.assign(pg.Client.prototype, { query: recording });
    for (const { event } of events) {
      current = undefined;
      await inbox.receive(readEnvelope(readJson(Buffer.from(JSON.stringify(event)))));
    }
  } finally {
    Object.assign(pg.Client.prototype, { query: original });
    await database.close();
    await asAdmin(`drop database if exists ${copy} with (force)`);
  }
  return recorded;
}

/** Puts the recorded parameters where pgbench can read them, and writes one script for each sequence of statements. */
async function prepareScripts(pool: pg.Pool, calls: readonly Call[][], folder: string): Promise<string[]> {
  const bySequence = new Map<string, Call[][]>();
  for (const call of calls) {
    const sequence = call.map(({ text }) => text).join(";");
    bySequence.set(sequence, [...(bySequence.get(sequence) ?? []), call]);
  }
  // Only the usual sequences: one write for a booking, a payment, a refund or a profile.
  const usual = [...bySequence.values()].filter((events) => events.length >= 200);
  const widest = Math.max(...usual.map(([first]) => first?.flatMap(({ values }) => values).length ?? 0));
  const parameters = Array.from({ length: widest }, (_, index) => `p${index}`);
  await pool.query(
    `create table bench_calls (script integer, n bigint, ${parameters.map((name) => `${name} text`).join(", ")},
       primary key (script, n))`,
  );
  const files: string[] = [];
  for (const [script, events] of usual.entries()) {
    for (const [n, event] of events.entries()) {
      const values = event.flatMap((call) => call.values.map((value) => asText(value)));
      const row = parameters.map((_, index) => values[index] ?? null);
      const places = row.map((_, index) => `$${index + 3}`).join(", ");
      await pool.query(`insert into bench_calls values ($1, $2, ${places})`, [script, n, ...row]);
    }
    await pool.query(`create sequence bench_next_${script} minvalue 0 start 0`);
    const file = path.join(folder, `event-${script}.sql`);
    writeFileSync(file, scriptOf(events[0] ?? [], script));
    files.push(`${file}@${events.length}`);
  }
  await pool.query("analyze bench_calls");
  return files;
}

/** A parameter as the driver sends it. Ids in these statements hold no quotation marks or backslashes. */
function asText(value: unknown): string | null {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map((item) => `"${item}"`).join(",")}}`;
  return String(value);
}

/**
 * pgbench reads `:MI` in a time format as a variable, even inside quotation marks. The format must not change,
 * because the next server compares the rows and would report drift.
 */
const withoutColons = (text: string) => text.replaceAll(/:(?=MI|SS)/g, "' || chr(58) || '");

function scriptOf(calls: readonly Call[], script: number): string {
  let offset = 0;
  const statements = calls.map(({ text, values }) => {
    const start = offset;
    offset += values.length;
    return `${withoutColons(text).replace(/\$(\d+)/g, (_, n: string) => `:p${start + Number(n) - 1}`)};`;
  });
  const names = Array.from({ length: offset }, (_, index) => `p${index}`).join(", ");
  return [
    `select ${names} from bench_calls where script = ${script} and n = (select nextval('bench_next_${script}')) \\gset`,
    "begin;",
    ...statements,
    "commit;",
  ].join("\n");
}

export interface PgbenchResult {
  readonly clients: number;
  readonly perSecond: number;
}

/**
 * Runs the recorded transactions, each event at most once.
 *
 * @param runs the clients and the transactions of each run. All runs together have fewer transactions than are
 *   recorded
 */
export async function runPgbench(
  name: string,
  calls: readonly Call[][],
  runs: readonly { readonly clients: number; readonly transactions: number }[],
): Promise<PgbenchResult[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-bench-"));
  const pool = new pg.Pool({ connectionString: urlOf(name), max: 1 });
  try {
    const files = (await prepareScripts(pool, calls, folder)).flatMap((script) => ["-f", script]);
    const results: PgbenchResult[] = [];
    for (const { clients, transactions } of runs) {
      const each = Math.floor(transactions / clients);
      const { stdout } = await promisify(execFile)(
        "pgbench",
        ["-n", "-M", "prepared", "-c", `${clients}`, "-j", "2", "-t", `${each}`, ...files, urlOf(name)],
        {
          env: {
            ...process.env,
            PGOPTIONS: SESSION_PARAMETERS.map((word) => word.replaceAll(" ", "\\ ")).join(" "),
          },
        },
      );
      const perSecond = Number(/tps = ([\d.]+) \(without/.exec(stdout)?.[1]);
      const failed = Number(/number of failed transactions: (\d+)/.exec(stdout)?.[1]);
      if (!Number.isFinite(perSecond) || failed > 0) throw new Error(`pgbench did not finish:\n${stdout}`);
      results.push({ clients, perSecond });
    }
    return results;
  } finally {
    await pool.end();
    rmSync(folder, { recursive: true });
  }
}
