import type pg from "pg";
import { LockedElsewhere } from "../errors.js";
import { isLockTimeout } from "./failures.js";
import { pipelined, type Queryable, query, queryUnprepared } from "./query.js";
import { inTransaction } from "./transaction.js";

// Locks of ours are held for milliseconds. A lock_timeout that the role, the database or the address sets is kept.
const boundStatement = {
  name: "bound_lock_waits",
  text: "select set_config('lock_timeout', '5s', true) where current_setting('lock_timeout') = '0'",
};

/**
 * A transaction of a pull, a sweep or a refresh. It waits five seconds for a lock and not without end: a transaction that was
 * left open elsewhere is one organization's trouble, and the others are not to wait for it.
 *
 * @throws {LockedElsewhere} and what `inTransaction` throws
 */
export async function inBackgroundTransaction<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  try {
    return await inTransaction(pool, async (tx) => {
      const [, result] = await pipelined(
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

// The longest open transaction of another session that writes to our tables or holds an advisory lock. Who waited has given up
// by now, so Postgres cannot be asked who was in the way.
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
  /** NULL where the role may not see it. */
  readonly state: string | null;
  readonly xact_start: Date | null;
}

/** A sentence about the session that most likely holds the lock that somebody waited for in vain: which it is, and since when. */
export async function describeHolder(on: Queryable): Promise<string> {
  const { rows } = await queryUnprepared<Holder & Record<string, unknown>>(on, holderStatement);
  const [holder] = rows;
  if (!holder) return "Nobody holds it any more.";
  const { pid, application_name, state, xact_start } = holder;
  // A client chooses this name itself.
  const name = (application_name || "a session").slice(0, 60).replaceAll(/[^\x20-\x7e]/g, "?");
  const since = xact_start ? `, in a transaction since ${xact_start.toISOString()}` : "";
  return `Held by ${name} (process ${pid}, ${state ?? "state unknown"}${since}). End it there, or by: select pg_terminate_backend(${pid})`;
}
