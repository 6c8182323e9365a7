import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { type Database, openDatabase } from "../../../src/database/database.js";
import { exportPages } from "../../../src/operations/export.js";
import type { WebhookEvent } from "../../oracle/index.js";
import { nodeParameters } from "../../support/program.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ServerProcess } from "../runner/server-process.js";

/** Answers that an event may get while others use the database. */
const EXPECTED_OUTCOMES = ["processed", "stale", "duplicate", "ignored"];

/** What one guest does on a connection of its own. `dataDir` holds the socket. */
type Visit = (dataDir: string, context: AttackContext, organizationId: string) => Promise<void>;

/** Statements that change the session of a Postgres server. */
const SESSION_CHANGES = [
  "discard all",
  "deallocate all",
  "set search_path = nowhere",
  "set default_transaction_read_only = on",
  "set time zone 'Asia/Tokyo'; set datestyle = German",
  "set session characteristics as transaction isolation level serializable, read only",
  "select pg_advisory_lock(1)",
  "create temp table customer_analytics (nothing int)",
  "prepare recompute as select 1",
  "set role pg_monitor",
];

const visits: Readonly<Record<string, Visit>> = {
  async "session changes"(dataDir, { random }) {
    await asGuest(dataDir, async (guest) => {
      for (let turn = 0; turn < 5; turn += 1) await guest.query(random.pick(SESSION_CHANGES)).catch(() => {});
    });
  },
  async "pool with discard all"(dataDir) {
    const pool = new pg.Pool({ host: dataDir, user: "postgres", max: 5 });
    pool.on("error", () => {});
    await Promise.all(
      Array.from({ length: 15 }, async () => {
        const client = await pool.connect();
        await client.query({ name: "rows", text: "select count(*) from customer_analytics" });
        await client.query("discard all");
        client.release();
      }),
    );
    await pool.end();
  },
  async "table lock, then silence"(dataDir) {
    await asGuest(dataDir, async (guest) => {
      await guest.query("begin; lock table customer_analytics in access exclusive mode");
      await wait(700);
      await guest.query("commit");
    });
  },
  async "vanishes in a transaction"(dataDir) {
    await asGuest(dataDir, async (guest) => {
      await guest.query("begin; delete from customer_analytics");
      (guest as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    });
  },
  async "long query"(dataDir) {
    await asGuest(dataDir, (guest) => guest.query("select pg_sleep(0.5)"));
  },
  async "export of everything"(dataDir, _, organizationId) {
    const database = await openDatabase({ dataDir, role: "command" });
    try {
      for await (const _ of exportPages(database.pool, { organizationId, customer: null })) {
        // The guest only reads.
      }
    } finally {
      await database.close();
    }
  },
  async psql(dataDir) {
    const commands = ["\\d customer_analytics", "select count(*) from bookings", "discard all"];
    await asProcess("psql", [...signIn(dataDir), ...commands.flatMap((command) => ["--command", command])]);
  },
  async pg_dump(dataDir) {
    await asProcess("pg_dump", signIn(dataDir));
  },
  async "a command of the product"(dataDir) {
    await asProcess(process.execPath, [...nodeParameters("src/main.ts"), "sanity-check"], {
      DATA_DIR: dataDir,
    });
  },
};

const signIn = (dataDir: string) => ["--host", dataDir, "--username", "postgres", "--dbname", "postgres"];

/** A guest that does not end by itself is killed after this time. */
const PROCESS_MS = 60_000;

interface Load {
  readonly customers: number;
  readonly events: number;
}

/**
 * Clients of the embedded database's socket beside a server that takes webhooks.
 *
 * @param prepared a data folder with a migrated database. The caller removes it. Without it the attack creates one.
 */
export function guests(load: Load, prepared?: string): Attack {
  return {
    name: "guests",
    describe:
      "Clients of the embedded database's socket change the session, lock tables, vanish and read everything while webhooks arrive, psql, pg_dump and a command among them: every webhook is answered 200 or 503 within ten seconds, none is deferred, and every row is right.",
    run: (context) => run(context, load, prepared),
  };
}

async function run(context: AttackContext, load: Load, prepared?: string): Promise<void> {
  const { tally } = context;
  const dataDir = prepared ?? (await mkdtemp(path.join(tmpdir(), "regulars-guests-")));
  if (prepared === undefined) context.defer(() => rm(dataDir, { recursive: true, force: true }));
  const server = await ServerProcess.start("", { env: { DATA_DIR: dataDir } });
  context.defer(() => server.kill());
  const database = await openDatabase({ dataDir, role: "command" });
  context.defer(() => database.close());

  for (const round of context.rounds()) {
    const salon = await addSalon({ database }, `${context.seed}-${round}`, load.customers);
    const events = salon.events.slice(0, load.events);
    const sender = new Sender({ url: () => server.url, tally, connections: 8 });
    // A webhook waits for the database for eight seconds at most.
    const first = events.slice(0, 8);
    await asGuest(dataDir, async (guest) => {
      const statement = guest.query("select pg_sleep(9.5)");
      await Promise.all(first.map((event) => sender.once(event)));
      await statement;
    });
    tally.expect(
      sender.statuses[503] === first.length,
      "webhooks were not refused while a guest's statement ran",
    );
    const visiting = visitUntil(sender.deliver(events), dataDir, salon.organizationId, context);
    tally.expect((await visiting) === 0, "events were never acknowledged");
    sender.close();
    await checkOutcomes(sender, database, events, context);
    await checkRows(database, salon.organizationId, events, new Date(), tally);
  }
}

/** Sends guests, three at a time, until `delivering` has ended and each kind of guest has come. */
async function visitUntil<T>(
  delivering: Promise<T>,
  dataDir: string,
  organizationId: string,
  context: AttackContext,
): Promise<T> {
  let delivered = false;
  const done = delivering.finally(() => {
    delivered = true;
  });
  const kinds = Object.entries(visits);
  let next = 0;
  const work = async () => {
    while (!delivered || next < kinds.length) {
      const [kind, visit] = kinds[next % kinds.length] as [string, Visit];
      next += 1;
      context.tally.fault();
      await visit(dataDir, context, organizationId).catch((error: unknown) =>
        context.tally.broken(`guest "${kind}" failed: ${error instanceof Error ? error.message : error}`),
      );
    }
  };
  await Promise.all([work(), work(), work()]);
  return done;
}

async function checkOutcomes(
  sender: Sender,
  database: Database,
  events: readonly WebhookEvent[],
  { tally }: AttackContext,
): Promise<void> {
  const { 0: unanswered = 0 } = sender.statuses;
  tally.expect(unanswered === 0, `${unanswered} deliveries had no answer within ten seconds`);
  for (const [id, outcome] of sender.acknowledged) {
    tally.expect(EXPECTED_OUTCOMES.includes(outcome), `${id} was answered ${outcome}`);
  }
  tally.expect(sender.acknowledged.size === events.length, "an event was not acknowledged");
  await checkNothingLost(database, sender.acknowledged.keys(), tally);
  tally.peak("slowest answer in ms", Math.round(Math.max(...sender.latencies)));
}

/** Opens a connection as psql or a script does. It ends even if `work` fails. */
async function asGuest(dataDir: string, work: (guest: pg.Client) => Promise<unknown>): Promise<void> {
  const guest = new pg.Client({ host: dataDir, user: "postgres" });
  guest.on("error", () => {});
  await guest.connect();
  try {
    await work(guest);
  } finally {
    await guest.end().catch(() => {});
  }
}

/**
 * Runs a program to its end. Its result does not matter: the embedded database may refuse what it asks. A machine
 * without Postgres' programs sends no such guest. In CI none may be missing.
 */
async function asProcess(
  program: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const { PATH } = process.env;
  const child = spawn(program, parameters, {
    env: { PATH, ...env },
    stdio: "ignore",
    timeout: PROCESS_MS,
    killSignal: "SIGKILL",
  });
  await once(child, "exit").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" || process.env.CI) throw error;
  });
}
