import type pg from "pg";
import { recompute } from "../analytics/recompute.js";
import type { Clock } from "../clock.js";
import { inBackgroundTransaction } from "../database/lock-wait.js";
import { lockCustomers } from "../facts/locks.js";
import { type Comparison, compareRows, isExact, unexplained } from "./compare.js";

/** What a correction found and changed. */
export interface Corrections {
  /** Rows that the clock alone changed, or that were of other definitions. */
  readonly timeDecayed: number;
  /** Rows that differed for another reason. */
  readonly drifted: number;
  /** Drifted rows that were rewritten. */
  readonly corrected: number;
  /** Rows that were missing. */
  readonly created: number;
  /** Rows that should not exist. */
  readonly deleted: number;
  /** The drifted columns of every drifted row. A column occurs once for each row. */
  readonly driftedColumns: readonly string[];
}

/**
 * Makes these customers' rows exact in one transaction under their locks.
 *
 * @returns what was wrong with them
 */
export async function correct(
  { pool, clock }: { readonly pool: pg.Pool; readonly clock: Clock },
  organizationId: string,
  customerIds: readonly string[],
): Promise<Corrections> {
  return inBackgroundTransaction(pool, async (tx) => {
    await lockCustomers(tx, organizationId, customerIds);
    // The clock is read after the wait for the locks. So a row that was computed meanwhile is not ahead.
    const now = clock();
    const wrong = (await compareRows(tx, organizationId, customerIds, now)).filter((row) => !isExact(row));
    const { written, deleted } = await recompute(
      tx,
      organizationId,
      wrong.map(({ customerId }) => customerId),
      now,
    );
    return count(wrong, new Set(written), deleted.length);
  });
}

function count(wrong: readonly Comparison[], written: ReadonlySet<string>, deleted: number): Corrections {
  const differing = wrong.filter(({ stored, expected }) => stored && expected);
  // A row of other definitions may differ in any column without drift.
  const drifted = differing.filter((row) => !row.outdated && unexplained(row).length > 0);
  return {
    timeDecayed: differing.length - drifted.length,
    drifted: drifted.length,
    corrected: drifted.filter(({ customerId }) => written.has(customerId)).length,
    created: wrong.filter(({ stored, customerId }) => !stored && written.has(customerId)).length,
    deleted,
    driftedColumns: drifted.flatMap(unexplained),
  };
}
