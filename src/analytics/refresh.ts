import type pg from "pg";
import { inBackgroundTransaction } from "../database/lock-wait.js";
import { readPosition, savePosition } from "../database/positions.js";
import { type Queryable, query, queryUnprepared } from "../database/query.js";
import { lockCustomers } from "../facts/locks.js";
import { definitionVersion } from "./column.js";
import { recompute } from "./recompute.js";

/**
 * Customers in one transaction. They share the cost of its commit, and webhooks wait only briefly for their locks.
 */
export const CUSTOMERS_AT_ONCE = 250;

// Customers who have a row or may need one. Each part reads an index in key order and stops at the limit. Indexes:
// primary keys, bookings_customer_idx, payments_customer_idx.
const candidatesStatement = {
  name: "refresh_candidates",
  text: `
    select customer_id from (
      (select square_customer_id as customer_id from customers
        where organization_id = $1 and square_customer_id > $2 order by square_customer_id limit $3)
      union
      (select distinct customer_id from bookings
        where organization_id = $1 and customer_id > $2 order by customer_id limit $3)
      union
      (select distinct customer_id from payments
        where organization_id = $1 and customer_id > $2 order by customer_id limit $3)
      union
      (select distinct coalesce(a.to_customer_id, r.square_customer_id) from referral_profiles r
        left join customer_aliases a
          on a.organization_id = $1 and a.from_customer_id = r.square_customer_id
        where r.organization_id = $1 and coalesce(a.to_customer_id, r.square_customer_id) > $2
        order by 1 limit $3)
      union
      (select square_customer_id from customer_analytics
        where organization_id = $1 and square_customer_id > $2 order by square_customer_id limit $3)
    ) as candidate
    where $4::text is null or customer_id <= $4
    order by customer_id limit $3`,
};

// Index: primary key, starting after the previous chunk. So one run reads each row about once, however many are due.
const dueStatement = {
  name: "refresh_due",
  text: `
    (select square_customer_id as customer_id from customer_analytics
      where organization_id = $1 and square_customer_id > $2
        and refresh_due_at > '-infinity' and refresh_due_at <= $4
      order by square_customer_id limit $3)
    union
    (select square_customer_id from customer_analytics
      where organization_id = $1 and square_customer_id > $2 and definition_version <> $5
      order by square_customer_id limit $3)
    order by customer_id limit $3`,
};

/** `full`: all customers. `recent`: rows that came due, and rows of older definitions. */
export type RefreshMode = "full" | "recent";

export interface RefreshProgress {
  /** The last recomputed customer. A later call goes on after it. */
  readonly after: string;
  readonly checked: number;
  readonly written: number;
  readonly deleted: number;
}

/**
 * Recomputes an organization's customers in key order. Each chunk is one transaction. Yields the progress after each.
 *
 * @param now the instant of computation, read anew for every chunk
 * @param after the last customer of an earlier run; the refresh begins after it
 */
export async function* refreshOrganization(
  pool: pg.Pool,
  organizationId: string,
  mode: RefreshMode,
  now: () => Date,
  after = "",
): AsyncGenerator<RefreshProgress> {
  let progress: RefreshProgress = { after, checked: 0, written: 0, deleted: 0 };
  for (;;) {
    const customerIds =
      mode === "full"
        ? await customersInKeyOrder(pool, organizationId, progress.after, CUSTOMERS_AT_ONCE)
        : await dueCustomers(pool, organizationId, progress.after, CUSTOMERS_AT_ONCE, now());
    const last = customerIds.at(-1);
    if (last === undefined) return;
    const { written, deleted } = await recomputeLocked(pool, organizationId, customerIds, now());
    progress = {
      after: last,
      checked: progress.checked + customerIds.length,
      written: progress.written + written.length,
      deleted: progress.deleted + deleted.length,
    };
    yield progress;
  }
}

interface RefreshPosition {
  /** The last recomputed customer. */
  readonly after: string;
  /** The start of the interrupted run, RFC 3339. */
  readonly started_at: string;
}

/**
 * Like `refreshOrganization`, but goes on where an interrupted run of the same task stopped. The caller clears the
 * stored position after the last chunk.
 *
 * @param maxAgeMs an interrupted run that is older than this is not continued
 */
export async function* resumeRefresh(
  pool: pg.Pool,
  organizationId: string,
  mode: RefreshMode,
  now: () => Date,
  task: string,
  maxAgeMs = Number.POSITIVE_INFINITY,
): AsyncGenerator<RefreshProgress & { readonly resumed: boolean }> {
  const place = await readPosition<RefreshPosition>(pool, organizationId, task);
  const startedAt = Date.parse(place?.started_at ?? "");
  const resumed = now().getTime() - startedAt < maxAgeMs;
  const started_at = resumed ? new Date(startedAt).toISOString() : now().toISOString();
  const from = resumed ? place?.after : undefined;
  for await (const progress of refreshOrganization(pool, organizationId, mode, now, from)) {
    const position = { after: progress.after, started_at };
    await savePosition<RefreshPosition>(pool, organizationId, task, position, now());
    yield { ...progress, resumed };
  }
}

/**
 * The next customers who have a row or may need one, in the database's key order.
 *
 * @param after the last customer of the previous chunk; empty at the beginning
 * @param upTo the last customer to return, for a walk that ends where another began
 */
export async function customersInKeyOrder(
  on: Queryable,
  organizationId: string,
  after: string,
  limit: number,
  upTo: string | null = null,
): Promise<string[]> {
  const values = [organizationId, after, limit, upTo];
  const { rows } = await queryUnprepared<{ customer_id: string }>(on, candidatesStatement, values);
  return rows.map((row) => row.customer_id);
}

/** The next customers whose row is due at `now` or is of older definitions, in key order. */
export async function dueCustomers(
  on: Queryable,
  organizationId: string,
  after: string,
  limit: number,
  now: Date,
): Promise<string[]> {
  const values = [organizationId, after, limit, now, definitionVersion];
  const { rows } = await queryUnprepared<{ customer_id: string }>(on, dueStatement, values);
  return rows.map((row) => row.customer_id);
}

/** Recomputes exactly these customers under their locks. */
export async function recomputeLocked(
  pool: pg.Pool,
  organizationId: string,
  customerIds: readonly string[],
  now: Date,
) {
  return inBackgroundTransaction(pool, async (tx) => {
    await lockCustomers(tx, organizationId, customerIds);
    return recompute(tx, organizationId, customerIds, now);
  });
}

// Index: primary key.
const countStatement = {
  name: "count_profiles",
  text: "select count(*) as count from customers where organization_id = $1",
};

/**
 * The number of profiles, deleted ones included. It is about the number of customers that a full refresh checks. The
 * first backfill has profiles before it has rows.
 */
export async function countProfiles(on: Queryable, organizationId: string): Promise<number> {
  const { rows } = await query<{ count: bigint }>(on, countStatement, [organizationId]);
  return Number(rows[0]?.count ?? 0n);
}
