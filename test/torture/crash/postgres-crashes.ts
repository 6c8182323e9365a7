import { setTimeout as wait } from "node:timers/promises";
import { type Database, openDatabase } from "../../../src/database/database.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { ServerProcess } from "../runner/server-process.js";
import { PrivateCluster, whyNoCluster } from "./private-cluster.js";
import { crashUnderLoad, type Load } from "./under-load.js";

const BACK_WITHIN_MS = 30_000;

/** Crashes the database of a running server. */
export function postgresCrashes(load: Load): Attack {
  return {
    name: "postgres-crashes",
    describe:
      "Postgres is shut down immediately, loses a session's process or its first process under load, and starts again: the server goes on, every event answered 200 is stored and counted, and the others are delivered again.",
    share: 2,
    run: (context) => run(context, load),
  };
}

async function run(context: AttackContext, load: Load): Promise<void> {
  const { tally, random } = context;
  const reason = await whyNoCluster();
  if (reason !== undefined) {
    tally.broken(`the attack cannot run: ${reason}`);
    return;
  }
  const cluster = await PrivateCluster.make();
  context.defer(() => cluster.remove());
  const server = await ServerProcess.start(cluster.url);
  context.defer(() => server.kill());
  const database = await openDatabase({ databaseUrl: cluster.url, dataDir: "", role: "command" });
  context.defer(() => database.close());

  const crashes = {
    "immediate shutdowns": () => cluster.stopImmediately(),
    "killed sessions": () => killSession(database),
    "killed first processes": async () => process.kill(await cluster.pid(), "SIGKILL"),
  };
  const crash = async () => {
    const kind = random.pick(Object.keys(crashes) as (keyof typeof crashes)[]);
    await crashes[kind]();
    tally.figure(kind, Number(tally.figures[kind] ?? 0) + 1);
    // The server answers 503 for a while.
    await wait(random.between(0, 300));
    if (kind !== "killed sessions") await cluster.start();
    tally.peak("ms until Postgres answered again", await untilItAnswers(database));
    tally.expect(server.running, "the server ended with its database");
  };
  await crashUnderLoad(context, { url: () => server.url, database, crash }, load);
}

/**
 * Kills a session. Postgres then no longer trusts its shared memory, ends all sessions and starts again by itself.
 * This resolves when our own session has ended, because Postgres answers until then.
 */
async function killSession({ pool }: Database): Promise<void> {
  const client = await pool.connect();
  const ended = new Promise((resolve) => client.once("end", resolve));
  client.on("error", () => {});
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
     order by state = 'active' desc, state = 'idle in transaction' desc limit 1`,
  );
  if (rows[0]) {
    process.kill(rows[0].pid, "SIGKILL");
    await ended;
  }
  client.release(true);
}

/** @returns milliseconds */
async function untilItAnswers({ pool }: Database): Promise<number> {
  const started = performance.now();
  for (;;) {
    try {
      await pool.query("select 1");
      return performance.now() - started;
    } catch (error) {
      if (performance.now() - started > BACK_WITHIN_MS) throw error;
      await wait(50);
    }
  }
}
