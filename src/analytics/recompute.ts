import type pg from "pg";
import { query } from "../database/query.js";
import { recomputeStatement } from "./statement.js";

const statement = { name: "recompute_customer_analytics", text: recomputeStatement };

export interface Recomputed {
  /** Customers whose row was written because a value changed. */
  readonly written: readonly string[];
  /** Customers whose row was removed because they should have none. */
  readonly deleted: readonly string[];
  /** The value columns that changed, of each customer written; of a new row those that are not NULL. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

export const nothingRecomputed: Recomputed = { written: [], deleted: [], columns: new Map() };

/**
 * Makes the `customer_analytics` rows of these customers exact at `now` with the one statement. The caller holds the
 * customers' locks. The ids may include merged ids. A merged id loses its row.
 */
export async function recompute(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
  now: Date,
): Promise<Recomputed> {
  if (customerIds.length === 0) return nothingRecomputed;
  const { rows } = await query<{
    square_customer_id: string;
    outcome: "written" | "deleted";
    columns: string;
  }>(tx, statement, [organizationId, customerIds, now]);
  const having = (outcome: "written" | "deleted") =>
    rows.filter((row) => row.outcome === outcome).map((row) => row.square_customer_id);
  return {
    written: having("written"),
    deleted: having("deleted"),
    columns: new Map(rows.map((row) => [row.square_customer_id, row.columns.split(" ").filter(Boolean)])),
  };
}
