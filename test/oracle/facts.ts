/**
 * The fact tables of one organization as plain rows with the columns' names. Times and money may have any exact form
 * that a driver returns.
 */
import type { InstantLike } from "./instants.js";

export type MoneyLike = bigint | number | string;

export interface OrganizationRow {
  /** If given, expected rows have it as organization_id. */
  readonly id?: string;
  readonly currency: string;
  readonly time_zone: string;
  readonly settings?: unknown;
}

export interface LocationRow {
  readonly square_location_id: string;
  readonly name: string | null;
  readonly time_zone: string | null;
}

export interface TeamMemberRow {
  readonly square_team_member_id: string;
  readonly given_name: string | null;
  readonly family_name: string | null;
}

export interface ServiceVariationRow {
  readonly square_variation_id: string;
  readonly name: string;
}

export interface CustomerRow {
  readonly square_customer_id: string;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company_name: string | null;
  readonly email_address: string | null;
  readonly phone_number: string | null;
  readonly birthday: string | null;
  readonly creation_source: string | null;
  readonly created_at: InstantLike | null;
  readonly deleted_at: InstantLike | null;
}

export interface CustomerAliasRow {
  readonly from_customer_id: string;
  /** Always the last survivor. */
  readonly to_customer_id: string;
}

export interface BookingRow {
  readonly booking_id: string;
  readonly status: string;
  /** The survivor. */
  readonly customer_id: string | null;
  readonly location_id: string | null;
  readonly start_at: InstantLike;
  readonly created_at: InstantLike;
  readonly updated_at: InstantLike;
  readonly customer_note: string | null;
  readonly seller_note: string | null;
  readonly creator_type: string | null;
}

export interface BookingSegmentRow {
  readonly booking_id: string;
  readonly segment_index: number;
  readonly team_member_id: string | null;
  readonly service_variation_id: string | null;
  readonly duration_minutes: number | null;
}

export interface PaymentRow {
  readonly payment_id: string;
  readonly status: string;
  /** The survivor. */
  readonly customer_id: string | null;
  readonly location_id: string | null;
  readonly amount_cents: MoneyLike;
  readonly tip_cents: MoneyLike;
  readonly total_cents: MoneyLike;
  readonly processing_fee_cents: MoneyLike;
  readonly currency: string;
  readonly source_type: string | null;
  readonly is_gift_card: boolean;
  readonly created_at: InstantLike;
}

export interface RefundRow {
  readonly refund_id: string;
  readonly payment_id: string | null;
  readonly status: string;
  readonly location_id?: string | null;
  readonly amount_cents: MoneyLike;
  readonly currency: string;
  readonly created_at: InstantLike;
}

export interface ReferralProfileRow {
  readonly square_customer_id: string;
  readonly used_referral_code: string | null;
  readonly activated_as_referrer: boolean;
  readonly activated_at: InstantLike | null;
}

export interface ReferralRewardRow {
  readonly referrer_customer_id: string;
  readonly referred_customer_id: string | null;
  readonly status: string;
  readonly reward_cents: MoneyLike;
}

export interface FactTables {
  readonly organization: OrganizationRow;
  readonly locations: readonly LocationRow[];
  /** Names for `customer_profiles`. */
  readonly team_members?: readonly TeamMemberRow[];
  readonly service_variations?: readonly ServiceVariationRow[];
  readonly customers: readonly CustomerRow[];
  readonly customer_aliases: readonly CustomerAliasRow[];
  readonly bookings: readonly BookingRow[];
  readonly booking_segments: readonly BookingSegmentRow[];
  readonly payments: readonly PaymentRow[];
  readonly refunds: readonly RefundRow[];
  readonly referral_profiles: readonly ReferralProfileRow[];
  readonly referral_rewards: readonly ReferralRewardRow[];
}

/** An expected row by column name: counts as number, money as bigint, numeric and instants as text. */
export type Row = Readonly<Record<string, unknown>>;
