/** Converts fact rows into one exact form, and groups them by customer. */
import { compare } from "./arithmetic.js";
import type {
  BookingSegmentRow,
  CustomerRow,
  FactTables,
  ReferralProfileRow,
  ReferralRewardRow,
} from "./facts.js";
import { toMicros } from "./instants.js";

export interface Booking {
  readonly booking_id: string;
  readonly status: string;
  readonly customer_id: string | null;
  readonly location_id: string | null;
  readonly start_at: bigint;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  /** A note of white space alone is null. */
  readonly customer_note: string | null;
  readonly seller_note: string | null;
  readonly creator_type: string | null;
  /** In the order of segment_index. The technician `anyTeamMember` is null. */
  readonly segments: readonly BookingSegmentRow[];
}

export interface Payment {
  readonly payment_id: string;
  readonly status: string;
  readonly customer_id: string | null;
  readonly location_id: string | null;
  readonly amount_cents: bigint;
  readonly tip_cents: bigint;
  readonly total_cents: bigint;
  readonly processing_fee_cents: bigint;
  readonly currency: string;
  readonly source_type: string | null;
  readonly is_gift_card: boolean;
  readonly created_at: bigint;
}

export interface Refund {
  readonly refund_id: string;
  readonly payment_id: string | null;
  readonly status: string;
  readonly location_id: string | null;
  readonly amount_cents: bigint;
  readonly currency: string;
  readonly created_at: bigint;
}

/** All facts of one survivor. */
export interface CustomerFacts {
  readonly id: string;
  /** NULL when unknown or deleted. */
  readonly liveProfile: CustomerRow | null;
  readonly bookings: readonly Booking[];
  readonly payments: readonly Payment[];
  /** Refunds, of any status, of this customer's payments, of any status. */
  readonly refunds: readonly Refund[];
  readonly referralProfiles: readonly ReferralProfileRow[];
  readonly referralRewards: readonly ReferralRewardRow[];
}

export function readBookings(facts: FactTables): Booking[] {
  const segmentsOf = new Map<string, BookingSegmentRow[]>();
  for (const segment of facts.booking_segments) {
    const others = segmentsOf.get(segment.booking_id) ?? [];
    segmentsOf.set(segment.booking_id, [...others, segment]);
  }
  return facts.bookings.map((row) => ({
    ...row,
    start_at: toMicros(row.start_at),
    created_at: toMicros(row.created_at),
    updated_at: toMicros(row.updated_at),
    customer_note: visible(row.customer_note),
    seller_note: visible(row.seller_note),
    segments: (segmentsOf.get(row.booking_id) ?? [])
      .map((segment) => ({
        ...segment,
        team_member_id: segment.team_member_id === "anyTeamMember" ? null : segment.team_member_id,
      }))
      .sort((a, b) => compare(a.segment_index, b.segment_index)),
  }));
}

function visible(note: string | null): string | null {
  return note === null || /^[\s\u0085]*$/.test(note) ? null : note;
}

export function readPayments(facts: FactTables): Payment[] {
  return facts.payments.map((row) => ({
    ...row,
    amount_cents: BigInt(row.amount_cents),
    tip_cents: BigInt(row.tip_cents),
    total_cents: BigInt(row.total_cents),
    processing_fee_cents: BigInt(row.processing_fee_cents),
    created_at: toMicros(row.created_at),
  }));
}

export function readRefunds(facts: FactTables): Refund[] {
  return facts.refunds.map((row) => ({
    ...row,
    location_id: row.location_id ?? null,
    amount_cents: BigInt(row.amount_cents),
    created_at: toMicros(row.created_at),
  }));
}

/**
 * The customers who have a row: survivors with a live profile, a booking, a payment or a referral profile. A merged
 * id's referral profile and rewards count for its survivor.
 */
export function customersWithARow(facts: FactTables): CustomerFacts[] {
  const survivorOf = new Map(
    facts.customer_aliases.map((alias) => [alias.from_customer_id, alias.to_customer_id]),
  );
  const survivor = (id: string): string => survivorOf.get(id) ?? id;
  const live = facts.customers.filter((customer) => customer.deleted_at === null);
  const bookings = readBookings(facts);
  const payments = readPayments(facts);
  const refunds = readRefunds(facts);

  const ids = new Set([
    ...live.map((customer) => customer.square_customer_id).filter((id) => !survivorOf.has(id)),
    ...bookings.map((booking) => booking.customer_id).filter((id) => id !== null),
    ...payments.map((payment) => payment.customer_id).filter((id) => id !== null),
    ...facts.referral_profiles.map((profile) => survivor(profile.square_customer_id)),
  ]);

  return [...ids].sort(compare).map((id) => {
    const own = payments.filter((payment) => payment.customer_id === id);
    const ownIds = new Set(own.map((payment) => payment.payment_id));
    return {
      id,
      liveProfile: live.find((customer) => customer.square_customer_id === id) ?? null,
      bookings: bookings.filter((booking) => booking.customer_id === id),
      payments: own,
      refunds: refunds.filter((refund) => refund.payment_id !== null && ownIds.has(refund.payment_id)),
      referralProfiles: facts.referral_profiles.filter((row) => survivor(row.square_customer_id) === id),
      referralRewards: facts.referral_rewards.filter((row) => survivor(row.referrer_customer_id) === id),
    };
  });
}

/** The time zone of a location: its own, or the organization's while its own is unknown. */
export function timeZoneOf(facts: FactTables, locationId: string | null): string {
  const location = facts.locations.find((row) => row.square_location_id === locationId);
  return location?.time_zone || facts.organization.time_zone;
}

/** A placeholder's name is its id. */
export function nameOf(facts: FactTables, locationId: string | null): string | null {
  return facts.locations.find((row) => row.square_location_id === locationId)?.name ?? locationId;
}
