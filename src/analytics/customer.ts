import { isDeepStrictEqual } from "node:util";
import type pg from "pg";
import { type Queryable, query } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { lockCustomers } from "../facts/locks.js";
import { type ApiRow, toApiRow } from "./api-row.js";
import { columns } from "./columns/catalogue.js";
import { recompute } from "./recompute.js";

// Indexes: primary keys of customer_aliases and customer_analytics.
const rowStatement = {
  name: "customer_analytics_row",
  text: `
    select * from customer_analytics
    where organization_id = $1 and square_customer_id = coalesce(
      (select to_customer_id from customer_aliases where organization_id = $1 and from_customer_id = $2), $2
    )`,
};

export interface CustomerRecomputation {
  /** The recomputed row. NULL when the customer should have none. */
  readonly customer: ApiRow | null;
  readonly changed: boolean;
  /** The value columns that changed, by name. */
  readonly drift: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>;
}

/**
 * Recomputes one customer, or the survivor of a merged id, under the customer's lock.
 *
 * @returns undefined when the customer had no row and gets none
 */
export async function recomputeCustomer(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  now: Date,
): Promise<CustomerRecomputation | undefined> {
  return inTransaction(pool, async (tx) => {
    const locked = await lockCustomers(tx, organizationId, [customerId]);
    const before = await analyticsRow(tx, organizationId, customerId);
    const { written, deleted } = await recompute(tx, organizationId, [...locked], now);
    const after = await analyticsRow(tx, organizationId, customerId);
    if (!before && !after) return undefined;
    return {
      customer: after ? toApiRow(after) : null,
      changed: written.length + deleted.length > 0,
      drift: difference(before ? toApiRow(before) : {}, after ? toApiRow(after) : {}),
    };
  });
}

/** The value columns in which two rows differ. A missing row counts as all NULL. */
export function difference(before: ApiRow, after: ApiRow): CustomerRecomputation["drift"] {
  const drift: Record<string, { before: unknown; after: unknown }> = {};
  for (const { name } of columns) {
    const was = before[name] ?? null;
    const is = after[name] ?? null;
    if (!isDeepStrictEqual(was, is)) drift[name] = { before: was, after: is };
  }
  return drift;
}

/** The stored row of a customer, or of the survivor of a merged id. Undefined when there is none. */
export async function analyticsRow(
  on: Queryable,
  organizationId: string,
  customerId: string,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await query(on, rowStatement, [organizationId, customerId]);
  return rows[0];
}
