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

/** A customer's row after a recomputation, beside the one before. */
export interface RowEnd {
  readonly square_customer_id: string;
  /** The recomputed row. NULL when the customer should have none. */
  readonly customer: ApiRow | null;
  readonly changed: boolean;
  /** The value columns that changed, by name. */
  readonly drift: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>;
}

export type CustomerRecomputation = Omit<RowEnd, "square_customer_id">;

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
    const ends = await recomputeAndCompare(tx, organizationId, [...locked], now);
    const having = ends.filter(({ customer }) => customer !== null);
    const end = having.find(({ square_customer_id: id }) => id === customerId) ?? having[0] ?? ends[0];
    if (!end) return undefined;
    return { customer: end.customer, changed: ends.some(({ changed }) => changed), drift: end.drift };
  });
}

// Index: primary key.
const rowsStatement = {
  name: "customer_analytics_rows",
  text: "select * from customer_analytics where organization_id = $1 and square_customer_id = any ($2::text[])",
};

/**
 * Recomputes these customers in the caller's transaction, which holds their locks.
 *
 * @returns how each customer's row ended, in the order of the ids. Customers without a row before and after are left
 *   out, and so are merged ids.
 */
export async function recomputeAndCompare(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
  now: Date,
): Promise<RowEnd[]> {
  const read = async () => {
    const { rows } = await query(tx, rowsStatement, [organizationId, customerIds]);
    return new Map(rows.map((row) => [row.square_customer_id, toApiRow(row)]));
  };
  const before = await read();
  const { written, deleted } = await recompute(tx, organizationId, customerIds, now);
  const after = await read();
  const changed = new Set([...written, ...deleted]);
  return customerIds.flatMap((id) => {
    const [was, is] = [before.get(id), after.get(id)];
    if (!was && !is) return [];
    const drift = difference(was ?? {}, is ?? {});
    return { square_customer_id: id, customer: is ?? null, changed: changed.has(id), drift };
  });
}

/** The value columns in which two rows differ. A missing row counts as all NULL. */
export function difference(before: ApiRow, after: ApiRow): RowEnd["drift"] {
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
