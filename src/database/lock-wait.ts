import type pg from "pg";
import { LockedElsewhere } from "../errors.js";
import { isLockTimeout } from "./failures.js";
import { pipelined, type Queryable, query, queryUnprepared } from "./query.js";
import { inTransaction } from "./transaction.js";

// Our locks are held for milliseconds. A lock_timeout in the address is kept.
const boundStatement = {
  name: "bound_lock_waits",
  text: "select set_config('lock_timeout', '5s', true) where current_setting('lock_timeout') = '0'",
};

/**
 * Runs a transaction of a pull, a sweep or a refresh. It waits at most five seconds for a lock, so that a transaction
 * left open elsewhere blocks one organization only.
 *
 * @param settings statements that come first in the transaction, such as its isolation level
 * @throws LockedElsewhere, which names the session that holds the lock
 * @throws what `inTransaction` throws
 */
export async function inBackgroundTransaction<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
  settings = "",
): Promise<Result> {
  try {
    return await inTransaction(pool, async (tx) => {
      const [, , result] = await pipelined(
        async () => settings && tx.query(settings),
        () => query(tx, boundStatement),
        () => work(tx),
      );
      return result;
    });
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new LockedElsewhere(`A lock is held elsewhere. ${await describeHolder(pool)}`, { cause: error });
  }
}

// The longest open transaction of another session that writes to our tables or holds an advisory lock. The wait has
// ended by now, so Postgres no longer knows which session blocked it.
const holderStatement = {
  name: "lock_holder",
  text: `
    select a.pid, a.application_name, a.state, a.xact_start
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid() and exists (
      select from pg_locks l
      where l.pid = a.pid and l.granted and (l.locktype = 'advisory' or (
        l.locktype = 'relation' and l.mode <> 'AccessShareLock' and l.relation in (
          select oid from pg_class where relnamespace = current_schema()::regnamespace)))
    )
    order by a.xact_start limit 1`,
};

interface Holder {
  readonly pid: number;
  readonly application_name: string | null;
  /** NULL when the role may not see it. */
  readonly state: string | null;
  readonly xact_start: Date | null;
}

/** Names the session that most likely holds the lock, and since when. */
export async function describeHolder(on: Queryable): Promise<string> {
  const { rows } = await queryUnprepared<Holder>(on, holderStatement);
  const [holder] = rows;
  if (!holder) return "It has been released since.";
  const { pid, application_name, state, xact_start } = holder;
  // The client chose this name, so it may hold anything.
  const name = (application_name || "a session").slice(0, 60).replaceAll(/[^\x20-\x7e]/g, "?");
  const since = xact_start ? `, in a transaction since ${xact_start.toISOString()}` : "";
  const session = `Held by ${name} (process ${pid}, ${state ?? "state unknown"}${since}).`;
  return `${session} End it there, or run: select pg_terminate_backend(${pid})`;
}
