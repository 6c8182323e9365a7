import { recompute } from "../analytics/recompute.js";
import { isOutOfMemory, isTooSlow, isUnavailable } from "../database/failures.js";
import { inTransaction } from "../database/transaction.js";
import { lockCustomers } from "../facts/locks.js";
import { type Comparison, compareRows, isExact, unexplained } from "./compare.js";
import type { ReconcileContext } from "./context.js";

/** What was found wrong with some customers' rows, and put right. */
export interface Corrections {
  /** Rows that the clock alone had changed, or that were of other definitions. */
  readonly timeDecayed: number;
  /** Rows that differed for another reason, and those of them that were rewritten. */
  readonly drifted: number;
  readonly corrected: number;
  /** Rows that were missing, and rows that should not have been there. */
  readonly created: number;
  readonly deleted: number;
  /** For every drifted row, each column that had drifted. */
  readonly driftedColumns: readonly string[];
}

/**
 * Makes these customers' rows exact, in one transaction under their locks, and tells what was wrong with them.
 */
export async function correct(
  { database, clock }: Pick<ReconcileContext, "database" | "clock">,
  organizationId: string,
  customerIds: readonly string[],
): Promise<Corrections> {
  return inTransaction(database.pool, async (tx) => {
    await lockCustomers(tx, organizationId, { customerIds, bookingIds: [], paymentIds: [], refundIds: [] });
    // Asked after the wait for the locks: what was computed meanwhile is not ahead of us.
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
  const differing = wrong.filter(({ stored, deserved }) => stored && deserved);
  // Rows of other definitions may differ in anything.
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

/**
 * Runs `work` over the items. If it fails, they are halved, and the halves again, until the culprit stands alone; it is given to
 * `failed`, and harms no neighbour.
 *
 * @throws when the database is unavailable
 */
export async function inParts<Item, Result>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<Result>,
  failed: (item: Item, error: unknown) => void,
): Promise<Result[]> {
  if (items.length === 0) return [];
  try {
    return [await work(items)];
  } catch (error) {
    // So many at once can need more memory or time than there is; fewer may not.
    if (isUnavailable(error) && !isOutOfMemory(error) && !isTooSlow(error)) throw error;
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      failed(only, error);
      return [];
    }
    const middle = Math.ceil(items.length / 2);
    const first = await inParts(items.slice(0, middle), work, failed);
    return [...first, ...(await inParts(items.slice(middle), work, failed))];
  }
}
