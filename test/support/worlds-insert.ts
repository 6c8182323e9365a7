/** Inserts facts directly into their tables, for tests of what is computed from them. */
import type { Database } from "../../src/database/database.js";

type Values = Readonly<Record<string, unknown>>;

/**
 * A payment at the last instant of Postgres. It would leave the last 30 days after that instant, so the customer's
 * row cannot be computed (22008). No event has such a time.
 */
export const uncomputablePayment = (customer_id: string): Values => ({
  payment_id: "at the end of time",
  customer_id,
  created_at: "294276-12-31T23:00:00Z",
});

/** The defaults of a fact: an ACCEPTED booking, a COMPLETED payment or refund, of the customer ana. */
const defaults: Readonly<Record<string, Values>> = {
  customers: { version: 1, order_key: "\\x01" },
  customer_aliases: { merged_at: "2025-01-01T00:00:00Z" },
  bookings: {
    version: 0,
    status: "ACCEPTED",
    customer_id: "ana",
    location_id: "downtown",
    created_at: "2025-01-01T00:00:00Z",
    updated_at: "2025-01-01T00:00:00Z",
    duration_minutes: 30,
    raw: {},
    order_key: "\\x01",
  },
  booking_segments: { segment_index: 0, duration_minutes: 30 },
  payments: {
    status: "COMPLETED",
    customer_id: "ana",
    location_id: "downtown",
    amount_cents: 1000,
    tip_cents: 0,
    total_cents: 1000,
    processing_fee_cents: 0,
    currency: "USD",
    source_type: "CARD",
    is_gift_card: false,
    updated_at: "2025-01-01T00:00:00Z",
    raw: {},
    order_key: "\\x01",
  },
  refunds: {
    status: "COMPLETED",
    amount_cents: 300,
    currency: "USD",
    updated_at: "2025-01-01T00:00:00Z",
    raw: {},
    order_key: "\\x01",
  },
  locations: { status: "ACTIVE", is_placeholder: false },
  team_members: { status: "ACTIVE", order_key: "\\x01" },
  referral_profiles: { activated_as_referrer: false },
};

/** Inserts rows of one table, each with the table's defaults. */
export async function insert(
  { pool }: Database,
  organizationId: string,
  table: string,
  rows: readonly Values[],
): Promise<void> {
  const complete = rows.map((row) => ({ organization_id: organizationId, ...defaults[table], ...row }));
  const names = [...new Set(complete.flatMap((row) => Object.keys(row)))].join(", ");
  await pool.query(
    `insert into ${table} (${names}) select ${names} from jsonb_populate_recordset(null::${table}, $1)`,
    [JSON.stringify(complete)],
  );
}
