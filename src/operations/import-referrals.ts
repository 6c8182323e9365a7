import type pg from "pg";
import { putReferrals, type Referrals, tryReferrals } from "../analytics/referrals.js";
import type { Clock } from "../clock.js";

/** How many referrals share a transaction. Events of their customers wait during the transaction. */
const TOGETHER = 100;

export interface ImportCounts {
  /** The number of lines processed so far. */
  readonly done: number;
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  /** How many customers' rows were rewritten. A customer in two transactions counts twice. */
  readonly customers: number;
}

/**
 * Stores referrals, a hundred in each transaction. Repeating an import changes nothing, so the same command completes
 * an interrupted run.
 *
 * @param dryRun rolls every transaction back; the counts say what would be stored
 * @returns the counts after each transaction
 */
export async function* importReferrals(
  pool: pg.Pool,
  organizationId: string,
  { kind, rows }: Referrals,
  clock: Clock,
  dryRun: boolean,
): AsyncGenerator<ImportCounts> {
  let counts: ImportCounts = { done: 0, created: 0, changed: 0, unchanged: 0, customers: 0 };
  for (let at = 0; at < rows.length; at += TOGETHER) {
    const part = { kind, rows: rows.slice(at, at + TOGETHER) } as Referrals;
    const put = await (dryRun ? tryReferrals : putReferrals)(pool, organizationId, part, clock());
    counts = {
      done: counts.done + part.rows.length,
      created: counts.created + put.created,
      changed: counts.changed + put.changed,
      unchanged: counts.unchanged + put.unchanged,
      customers: counts.customers + put.customers.filter(({ changed }) => changed).length,
    };
    yield counts;
  }
}
