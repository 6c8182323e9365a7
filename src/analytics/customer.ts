import { isDeepStrictEqual } from "node:util";
import type pg from "pg";
import { type Queryable, query } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { lockCustomers } from "../facts/locks.js";
import { type ApiRow, toApiRow } from "./api-row.js";
import { columns } from "./columns/catalogue.js";
import { recompute } from "./recompute.js";

// Primary keys of customer_aliases and customer_analytics.
const rowStatement = {
  name: "customer_analytics_row",
  text: `
    select * from customer_analytics
    where organization_id = $1 and square_customer_id = coalesce(
      (select to_customer_id from customer_aliases where organization_id = $1 and from_customer_id = $2), $2
    )`,
};

// bookings_customer_idx and the primary key of booking_segments.
const bookingsStatement = {
  name: "customer_bookings",
  text: `
    select b.booking_id, b.version, b.status, b.customer_id, b.reported_customer_id, b.location_id, b.start_at,
      b.created_at, b.updated_at, b.duration_minutes, b.customer_note, b.seller_note, b.creator_type, b.source,
      coalesce((
        select jsonb_agg(jsonb_build_object('segment_index', s.segment_index, 'team_member_id', s.team_member_id,
          'service_variation_id', s.service_variation_id, 'duration_minutes', s.duration_minutes)
          order by s.segment_index)
        from booking_segments s where s.organization_id = $1 and s.booking_id = b.booking_id
      ), '[]') as segments
    from bookings b where b.organization_id = $1 and b.customer_id = $2
    order by b.start_at desc, b.booking_id collate "C"`,
};

// payments_customer_idx.
const paymentsStatement = {
  name: "customer_payments",
  text: `
    select payment_id, status, customer_id, reported_customer_id, location_id, order_id, amount_cents, tip_cents,
      total_cents, processing_fee_cents, currency, source_type, created_at, updated_at
    from payments where organization_id = $1 and customer_id = $2
    order by created_at desc, payment_id collate "C"`,
};

export interface CustomerHistory {
  readonly customer: ApiRow;
  readonly bookings: readonly ApiRow[];
  readonly payments: readonly ApiRow[];
}

/**
 * One customer with everything they booked and paid, latest first; a merged id answers its survivor. A row whose
 * refresh_due_at has passed is recomputed first, so what is read is exact at `now`.
 *
 * @returns undefined when there is no such customer
 */
export async function readCustomer(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  now: Date,
): Promise<CustomerHistory | undefined> {
  let row = await analyticsRow(pool, organizationId, customerId);
  if (row && !isExactAt(row, now)) {
    await recomputeCustomer(pool, organizationId, customerId, now);
    row = await analyticsRow(pool, organizationId, customerId);
  }
  if (!row) return undefined;
  const survivor = row.square_customer_id;
  const bookings = await query(pool, bookingsStatement, [organizationId, survivor]);
  const payments = await query(pool, paymentsStatement, [organizationId, survivor]);
  return {
    customer: toApiRow(row),
    bookings: bookings.rows.map(toApiRow),
    payments: payments.rows.map(toApiRow),
  };
}

/** A row is exact from computed_at until refresh_due_at; one computed by a clock that was ahead is not yet. */
function isExactAt({ computed_at, refresh_due_at }: Record<string, unknown>, now: Date): boolean {
  const isAhead = computed_at instanceof Date && computed_at > now;
  return !isAhead && !(refresh_due_at instanceof Date && refresh_due_at <= now);
}

export interface CustomerRecomputation {
  /** The row as it is now; NULL when the customer should have none. */
  readonly customer: ApiRow | null;
  readonly changed: boolean;
  /** The value columns that were different, by name. */
  readonly drift: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>;
}

/**
 * Recomputes one customer, or the survivor of a merged id, under the customer's lock.
 *
 * @returns undefined when there is no such customer, neither before nor now
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

/** The value columns in which two rows differ; a missing row counts as all NULL. */
export function difference(before: ApiRow, after: ApiRow): CustomerRecomputation["drift"] {
  const drift: Record<string, { before: unknown; after: unknown }> = {};
  for (const { name } of columns) {
    const was = before[name] ?? null;
    const is = after[name] ?? null;
    if (!isDeepStrictEqual(was, is)) drift[name] = { before: was, after: is };
  }
  return drift;
}

async function analyticsRow(
  on: Queryable,
  organizationId: string,
  customerId: string,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await query(on, rowStatement, [organizationId, customerId]);
  return rows[0];
}
