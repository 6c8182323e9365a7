import type pg from "pg";
import { queryUnprepared, type Statement } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";

/** Runs one statement and returns its rows. */
export type Read = <Row extends object>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

/**
 * Runs a report's statement with a plan for its values and the present tables. The session's generic plans suit the
 * rows of one customer (src/database/session.ts). A report reads the rows of all customers.
 *
 * @throws when the database is unavailable
 */
export async function readReport<Row extends object>(
  pool: pg.Pool,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  return inTransaction(
    pool,
    (tx) => reading(tx)<Row>(statement, values),
    `begin; ${PLANNED_ANEW}; ${ROOM_TO_SORT}`,
  );
}

/**
 * Like `readReport`, for several statements that read one snapshot.
 *
 * @param options.sorts whether they sort or hash the facts of a period
 */
export async function readSnapshot<Result>(
  pool: pg.Pool,
  work: (read: Read) => Promise<Result>,
  { sorts = false }: { readonly sorts?: boolean } = {},
): Promise<Result> {
  const settings = sorts ? `${PLANNED_ANEW}; ${ROOM_TO_SORT}` : PLANNED_ANEW;
  return inTransaction(pool, (tx) => work(reading(tx)), `${SNAPSHOT}; ${settings}`);
}

/** A transaction that only reads, and whose statements see the tables at one instant. */
export async function inSnapshot<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return inTransaction(pool, work, SNAPSHOT);
}

const SNAPSHOT = "begin isolation level repeatable read, read only";

const PLANNED_ANEW = "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = on";

/** A report sorts and hashes up to a few hundred thousand customers. Few reports run at once. */
const ROOM_TO_SORT = "set local work_mem = '64MB'";

function reading(tx: pg.PoolClient): Read {
  return async <Row extends object>(statement: Statement, values: readonly unknown[]) => {
    const { rows } = await queryUnprepared<Row>(tx, statement, values);
    return rows;
  };
}
