import { mkdir } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { claimLock } from "./embedded/lock.js";

/**
 * Runs work that only one process at a time may do on a database.
 *
 * @param work gets a signal that aborts when the lock is lost because its connection broke
 * @returns undefined when another process holds the lock; `work` did not run then
 */
export type Exclusively = <Result>(
  name: string,
  work: (lost: AbortSignal) => Promise<Result>,
) => Promise<Result | undefined>;

/** The first of the two numbers of each session lock. The locks of transactions have another first number. */
const LOCK_SPACE = 72_707_370;

/** How often the connection that holds a lock is checked, and how long it may take to answer, in milliseconds. */
const HEARTBEAT_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;

/**
 * Holds a session's advisory lock on a separate connection. Postgres releases the lock when the connection ends, also
 * when the process is killed. Each schema has its own locks, so installations in other schemas do not wait. A pooler
 * in transaction mode would break the lock, so the server refuses one (src/operations/database-checks.ts).
 *
 * @param prepare sets up the session, including its schema
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
      // A broken connection may never report its end, so nothing waits for it.
      client.end().catch(() => {});
    }
  };
}

/**
 * Holds a lock file that names its process. When that process has died, the next one takes the lock over. A process
 * in another container is invisible from here, so its lock counts for 15 seconds only.
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
