import { mkdir } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { claimLock } from "./embedded/lock.js";

/**
 * Runs work that one process at a time may do on a database, whichever process has it open.
 *
 * @param work is told by its signal when the lock was lost, because the connection that held it broke
 * @returns undefined when somebody else is at it; nothing was run then
 */
export type Exclusively = <Result>(
  name: string,
  work: (lost: AbortSignal) => Promise<Result>,
) => Promise<Result | undefined>;

/** The first of the two numbers of our session locks, which have a space of their own beside the transactions' locks. */
const LOCK_SPACE = 72_707_370;

/** How often the connection that holds a lock is tried, and how long it may take to answer, in milliseconds. */
const HEARTBEAT_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;

/**
 * By a session's advisory lock on a connection of its own: Postgres frees it when the connection ends, and so also when the
 * process is killed. Installations in other schemas of the database have locks of their own. A pool in front of Postgres
 * that hands sessions around (pgbouncer by transaction) would break this, so none is served from
 * (src/operations/database-checks.ts).
 *
 * @param prepare makes the session what ours are, so that it is in the right schema
 */
export function exclusivelyOnPostgres(
  config: pg.ClientConfig,
  prepare: (client: pg.ClientBase) => Promise<void>,
): Exclusively {
  return async (name, work) => {
    const lost = new AbortController();
    const lose = () => lost.abort();
    const client = new pg.Client({ ...config, query_timeout: ANSWER_WITHIN_MS });
    client.on("error", lose);
    try {
      await client.connect();
      client.on("end", lose);
      await prepare(client);
      const { rows } = await client.query(
        "select pg_try_advisory_lock($1, hashtext(current_schema() || '/' || $2)) as held",
        [LOCK_SPACE, name],
      );
      if (!rows[0].held) return undefined;
      const heartbeat = setInterval(() => client.query("select 1").catch(lose), HEARTBEAT_MS);
      try {
        return await work(lost.signal);
      } finally {
        clearInterval(heartbeat);
        if (!lost.signal.aborted) await client.query("select pg_advisory_unlock_all()").catch(lose);
      }
    } finally {
      // A connection that broke may never say that it has ended.
      client.end().catch(() => {});
    }
  };
}

/**
 * By a lock file, which names its process and is taken over when  The owner of another container cannot be seen to live, and
 * keeps such a lock for seconds only.
 */
export function exclusivelyInFolder(dataDir: string): Exclusively {
  const locks = path.join(path.resolve(dataDir), "locks");
  return async (name, work) => {
    const folder = path.join(locks, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const claim = await claimLock(folder, async () => false);
    if (!("lock" in claim)) return undefined;
    try {
      return await work(new AbortController().signal);
    } finally {
      claim.lock.release();
    }
  };
}
