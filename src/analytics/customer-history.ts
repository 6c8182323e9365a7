import type pg from "pg";
import { z } from "zod";
import { type Queryable, query, type Statement } from "../database/query.js";
import { InvalidCursor } from "../errors.js";
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

/** The last row of the answer before. The list goes on after it, newest first. NULL: the list has no more rows. */
const placeSchema = z
  .strictObject({
    time: z.string().regex(/^[^\0]{1,64}$/),
    id: z.string().regex(/^[^\0]{0,255}$/),
  })
  .nullable();
const cursorSchema = z.strictObject({ bookings: placeSchema, payments: placeSchema });

type Cursor = z.infer<typeof cursorSchema>;
type Place = z.infer<typeof placeSchema>;

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
  /** The value of `before` that asks for older bookings and payments. NULL when there are none. */
  readonly older: string | null;
}

/**
 * One customer with bookings and payments, latest first. A merged id answers its survivor. A row whose refresh_due_at
 * has passed is recomputed first, so the answer is exact at `now`.
 *
 * @param before the `older` of an earlier answer
 * @returns undefined when there is no such customer
 * @throws {InvalidCursor}
 */
export async function readCustomer(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  now: Date,
  before?: string,
): Promise<CustomerHistory | undefined> {
  const from = before === undefined ? { bookings: NEWEST, payments: NEWEST } : readCursor(before);
  const row = await exactRow(pool, organizationId, customerId, now);
  if (!row) return undefined;
  const customer = toApiRow(row);
  const key = [organizationId, row.square_customer_id];
  const bookings = await readPage(pool, bookingsStatement, key, from.bookings);
  const payments = await readPage(pool, paymentsStatement, key, from.payments);
  const merged = await query<{ from_customer_id: string }>(pool, mergedIdsStatement, key);
  return {
    customer,
    bookings: bookings.rows,
    payments: payments.rows,
    merged_ids: merged.rows.map((alias) => alias.from_customer_id),
    next_change: await nextChange(pool, key, customer),
    older: writeCursor({ bookings: bookings.older, payments: payments.older }),
  };
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

async function readPage(pool: pg.Pool, statement: Statement, key: readonly unknown[], from: Place) {
  if (from === null) return { rows: [], older: null };
  const { rows } = await query(pool, statement, [...key, from.time, from.id, PAGE + 1]).catch(refuseNoTime);
  const page = rows.slice(0, PAGE);
  const last = rows.length > PAGE ? page.at(-1) : undefined;
  return {
    rows: page.map(({ cursor_time: _time, cursor_id: _id, ...row }) => toApiRow(row)),
    older: last ? { time: String(last.cursor_time), id: String(last.cursor_id) } : null,
  };
}

function refuseNoTime(error: Error): never {
  // Invalid datetime format, datetime field overflow.
  const isNoTime = "code" in error && (error.code === "22007" || error.code === "22008");
  throw isNoTime ? invalidBefore() : error;
}

/** Computes the row at its refresh_due_at with the one statement, and compares. */
async function nextChange(
  on: Queryable,
  [organizationId, customerId]: readonly unknown[],
  customer: ApiRow,
): Promise<CustomerHistory["next_change"]> {
  const { rows } = await query<{ due: string }>(on, dueStatement, [organizationId, customerId]);
  const due = rows[0]?.due;
  if (due === undefined) return null;
  const fresh = await query(on, freshStatement, [organizationId, [customerId], due]);
  const then = fresh.rows[0];
  return {
    at: String(customer.refresh_due_at),
    columns: then ? Object.keys(difference(customer, toApiRow(then))) : [],
  };
}

function writeCursor(cursor: Cursor): string | null {
  if (cursor.bookings === null && cursor.payments === null) return null;
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

function readCursor(text: string): Cursor {
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    throw invalidBefore();
  }
}

function invalidBefore(): InvalidCursor {
  return new InvalidCursor("before", "before is what an earlier answer gave as older.");
}
