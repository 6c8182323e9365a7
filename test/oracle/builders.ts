/** Fact rows for the oracle's tests: one salon in Los Angeles, one customer named ana. */
import { expectedAnalytics } from "./analytics.js";
import type { BookingRow, BookingSegmentRow, FactTables, PaymentRow, RefundRow, Row } from "./facts.js";

export const PACIFIC = "America/Los_Angeles";

/** The facts of one customer: a salon in Los Angeles and the given rows. */
export function world(given: Partial<FactTables>): FactTables {
  return {
    organization: { currency: "USD", time_zone: PACIFIC, settings: {} },
    locations: [{ square_location_id: "downtown", name: "Downtown", time_zone: PACIFIC }],
    customers: [],
    customer_aliases: [],
    bookings: [],
    booking_segments: [],
    payments: [],
    refunds: [],
    referral_profiles: [],
    referral_rewards: [],
    ...given,
  };
}

export function booking(booking_id: string, start_at: string, rest: Partial<BookingRow> = {}): BookingRow {
  return {
    booking_id,
    status: "ACCEPTED",
    customer_id: "ana",
    location_id: "downtown",
    start_at,
    created_at: "2025-01-01T00:00:00Z",
    updated_at: "2025-01-01T00:00:00Z",
    customer_note: null,
    seller_note: null,
    creator_type: null,
    ...rest,
  };
}

export function payment(payment_id: string, created_at: string, rest: Partial<PaymentRow> = {}): PaymentRow {
  return {
    payment_id,
    status: "COMPLETED",
    customer_id: "ana",
    location_id: "downtown",
    amount_cents: 1000n,
    tip_cents: 0n,
    total_cents: 1000n,
    processing_fee_cents: 0n,
    currency: "USD",
    source_type: "CARD",
    is_gift_card: false,
    created_at,
    ...rest,
  };
}

export function refund(refund_id: string, rest: Partial<RefundRow> = {}): RefundRow {
  return {
    refund_id,
    payment_id: "p1",
    status: "COMPLETED",
    location_id: null,
    amount_cents: 300n,
    currency: "USD",
    created_at: "2026-02-10T20:00:00Z",
    ...rest,
  };
}

export function segment(
  booking_id: string,
  segment_index: number,
  team_member_id: string | null,
): BookingSegmentRow {
  return { booking_id, segment_index, team_member_id, service_variation_id: "cut", duration_minutes: 30 };
}

export function rowOfAna(facts: FactTables, now: string): Row {
  const row = expectedAnalytics(facts, now).get("ana");
  if (row === undefined) throw new Error("ana has no row");
  return row;
}
