import type pg from "pg";
import { queryUnprepared, type Statement } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";

/**
 * Runs a report's statement, planned for these values and the tables as they are now. The session's generic plans are made for
 * one customer's rows (src/database/session.ts); a report reads a period of everybody's.
 *
 * @throws when the database is unavailable
 */
export async function readReport<Row>(
  pool: pg.Pool,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  return inTransaction(pool, async (tx) => {
    await tx.query("set local plan_cache_mode = force_custom_plan; set local enable_seqscan = on");
    const { rows } = await queryUnprepared<Row & pg.QueryResultRow>(tx, statement, values);
    return rows;
  });
}
