import type pg from "pg";
import { pipelined, type Queryable, query, type Statement } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { type ApiRow, toApiRow } from "./api-row.js";
import { analyticsRow, difference, recomputeCustomer } from "./customer.js";
import { computeStatement } from "./statement.js";

/** The most bookings in one answer, and the most payments. */
const PAGE = 200;

// Indexes: bookings_customer_idx and the primary key of booking_segments.
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
      ), '[]') as segments,
      b.start_at::text as cursor_time, b.booking_id as cursor_id
    from bookings b where b.organization_id = $1 and b.customer_id = $2
      and (b.start_at < $3 or (b.start_at = $3 and b.booking_id collate "C" > $4))
    order by b.start_at desc, b.booking_id collate "C" limit $5`,
};

// Index: payments_customer_idx.
const paymentsStatement = {
  name: "customer_payments",
  text: `
    select payment_id, status, customer_id, reported_customer_id, location_id, order_id, amount_cents, tip_cents,
      total_cents, processing_fee_cents, currency, source_type, created_at, updated_at,
      created_at::text as cursor_time, payment_id as cursor_id
    from payments where organization_id = $1 and customer_id = $2
      and (created_at < $3 or (created_at = $3 and payment_id collate "C" > $4))
    order by created_at desc, payment_id collate "C" limit $5`,
};

// Index: customer_aliases_to_idx.
const mergedIdsStatement = {
  name: "customer_merged_ids",
  text: `
    select from_customer_id from customer_aliases where organization_id = $1 and to_customer_id = $2
    order by from_customer_id collate "C"`,
};

// Index: primary key. The instant is read as text, which keeps its microseconds.
const dueStatement = {
  name: "customer_refresh_due",
  text: `
    select refresh_due_at::text as due from customer_analytics
    where organization_id = $1 and square_customer_id = $2 and refresh_due_at < 'infinity'`,
};

const freshStatement = { name: "compute_customer_analytics", text: computeStatement };

/**
 * The last row of the answer before. The list goes on after it, newest first. `time` is Postgres text. NULL: the list
 * has no more rows.
 */
type Place = { readonly time: string; readonly id: string } | null;

/** A position in both lists. */
export interface HistoryPlace {
  readonly bookings: Place;
  readonly payments: Place;
}

const NEWEST: Place = { time: "infinity", id: "" };

export interface CustomerHistory {
  readonly customer: ApiRow;
  /** At most 200, latest first. */
  readonly bookings: readonly ApiRow[];
  /** At most 200, latest first. */
  readonly payments: readonly ApiRow[];
  /** The ids that were merged into this customer. */
  readonly merged_ids: readonly string[];
  /** When the clock alone next changes the row, and which columns change. NULL: never. */
  readonly next_change: { readonly at: string; readonly columns: readonly string[] } | null;
}

/**
 * One customer with bookings and payments, latest first. A merged id answers its survivor. A row whose refresh_due_at
 * has passed is recomputed first, so the answer is exact at `now`.
 *
 * @param behind returns the position after which the survivor's lists go on; NULL at the beginning
 * @returns undefined when there is no such customer; `next` is NULL when there are no older rows
 */
export async function readCustomer(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  now: Date,
  behind: (survivorId: string) => HistoryPlace | null,
): Promise<{ readonly history: CustomerHistory; readonly next: HistoryPlace | null } | undefined> {
  const row = await exactRow(pool, organizationId, customerId, now);
  if (!row) return undefined;
  const customer = toApiRow(row);
  const survivorId = String(row.square_customer_id);
  const key = [organizationId, survivorId];
  const from = behind(survivorId) ?? { bookings: NEWEST, payments: NEWEST };
  return inTransaction(pool, async (tx) => {
    const [bookings, payments, merged, due] = await pipelined(
      () => readPage(tx, bookingsStatement, key, from.bookings),
      () => readPage(tx, paymentsStatement, key, from.payments),
      () => query<{ from_customer_id: string }>(tx, mergedIdsStatement, key),
      () => query<{ due: string }>(tx, dueStatement, key),
    );
    const history = {
      customer,
      bookings: bookings.rows,
      payments: payments.rows,
      merged_ids: merged.rows.map((alias) => alias.from_customer_id),
      next_change: await nextChange(tx, key, customer, due.rows[0]?.due),
    };
    const next = { bookings: bookings.older, payments: payments.older };
    return { history, next: next.bookings || next.payments ? next : null };
  });
}

/**
 * The row of a customer, or of a merged id's survivor, recomputed first when it is not exact at `now`.
 *
 * @returns undefined when there is no such customer
 */
export async function exactRow(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  now: Date,
): Promise<Record<string, unknown> | undefined> {
  const row = await analyticsRow(pool, organizationId, customerId);
  if (!row || isExactAt(row, now)) return row;
  await recomputeCustomer(pool, organizationId, customerId, now);
  return analyticsRow(pool, organizationId, customerId);
}

/** A row is exact from computed_at until refresh_due_at. A clock that was ahead sets a future computed_at. */
function isExactAt({ computed_at, refresh_due_at }: Record<string, unknown>, now: Date): boolean {
  const isAhead = computed_at instanceof Date && computed_at > now;
  return !isAhead && !(refresh_due_at instanceof Date && refresh_due_at <= now);
}

async function readPage(on: Queryable, statement: Statement, key: readonly unknown[], from: Place) {
  if (from === null) return { rows: [], older: null };
  const { rows } = await query(on, statement, [...key, from.time, from.id, PAGE + 1]);
  const page = rows.slice(0, PAGE);
  const last = rows.length > PAGE ? page.at(-1) : undefined;
  return {
    rows: page.map(({ cursor_time: _time, cursor_id: _id, ...row }) => toApiRow(row)),
    older: last ? { time: String(last.cursor_time), id: String(last.cursor_id) } : null,
  };
}

/** Computes the row at its refresh_due_at with the one statement, and compares. */
async function nextChange(
  on: Queryable,
  [organizationId, customerId]: readonly unknown[],
  customer: ApiRow,
  due: string | undefined,
): Promise<CustomerHistory["next_change"]> {
  if (due === undefined) return null;
  const fresh = await query(on, freshStatement, [organizationId, [customerId], due]);
  const then = fresh.rows[0];
  return {
    at: String(customer.refresh_due_at),
    columns: then ? Object.keys(difference(customer, toApiRow(then))) : [],
  };
}
