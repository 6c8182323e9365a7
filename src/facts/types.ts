import type { Instant, JsonObject } from "../square/types.js";

/**
 * The facts that Regulars keeps: Square's objects as rows of the mirror tables.
 *
 * Field names are column names. A fact is sent to Postgres as JSON and becomes a row. Money is bigint minor units.
 */

/** The field that every guarded fact has besides its columns. */
export interface Guarded {
  /**
   * The order key in hexadecimal digits (src/facts/order-key.ts). Of two copies of one object, the one with the
   * greater key stands, in whatever order they arrive.
   */
  readonly order_key: string;
}

export interface BookingSegment {
  readonly segment_index: number;
  readonly team_member_id: string | null;
  readonly service_variation_id: string | null;
  readonly duration_minutes: number;
}

export interface Booking extends Guarded {
  readonly booking_id: string;
  readonly version: number;
  readonly status: string;
  readonly reported_customer_id: string | null;
  readonly location_id: string | null;
  readonly start_at: Instant;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  /** Sum of the segments' minutes. 0 without segments. */
  readonly duration_minutes: number;
  readonly customer_note: string | null;
  readonly seller_note: string | null;
  readonly creator_type: string | null;
  readonly source: string | null;
  readonly raw: JsonObject;
  readonly segments: readonly BookingSegment[];
}

export interface Payment extends Guarded {
  readonly payment_id: string;
  readonly status: string;
  readonly reported_customer_id: string | null;
  readonly location_id: string | null;
  readonly order_id: string | null;
  readonly amount_cents: bigint;
  readonly tip_cents: bigint;
  readonly total_cents: bigint;
  /** Sum of the processing fees. Adjustments are included and may be negative. */
  readonly processing_fee_cents: bigint;
  readonly currency: string;
  readonly source_type: string | null;
  /** Paid with a Square gift card. */
  readonly is_gift_card: boolean;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly raw: JsonObject;
}

export interface Refund extends Guarded {
  readonly refund_id: string;
  /** NULL for an unlinked refund. Such a refund has no payment and no customer. */
  readonly payment_id: string | null;
  readonly status: string;
  readonly location_id: string | null;
  readonly amount_cents: bigint;
  readonly currency: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly raw: JsonObject;
}

/** A live profile or a tombstone. A tombstone has `deleted_at`, and its profile columns are NULL. */
export interface Customer extends Guarded {
  readonly square_customer_id: string;
  /** NULL for a copy without a version. Older API versions have none, and some deletions carry none. */
  readonly version: bigint | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company_name: string | null;
  readonly email_address: string | null;
  readonly phone_number: string | null;
  /** `YYYY-MM-DD` as text. Square writes year 0000 for an unknown year, and that is not a valid date. */
  readonly birthday: string | null;
  readonly creation_source: string | null;
  readonly created_at: Instant | null;
  readonly updated_at: Instant | null;
  readonly deleted_at: Instant | null;
}

/** The columns of a profile that tell who somebody is, without their values. */
export const noProfile = {
  given_name: null,
  family_name: null,
  company_name: null,
  email_address: null,
  phone_number: null,
  birthday: null,
} satisfies Partial<Customer>;

export interface TeamMember extends Guarded {
  readonly square_team_member_id: string;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly status: string;
  readonly updated_at: Instant | null;
}

/**
 * Evidence that `from_customer_id` was merged into `to_customer_id`. Square reports a merge in two events. The
 * survivor's `customer.created` has the time of the merge. The source's `customer.deleted` has the source's version.
 * Either event may be lost or late.
 */
export interface Merge {
  readonly from_customer_id: string;
  readonly to_customer_id: string;
  /** The source profile's version at its deletion. NULL when only the survivor's event is known. */
  readonly source_version: bigint | null;
  /** The survivor's creation time. NULL when only the source's event is known. */
  readonly merged_at: Instant | null;
  /** The time of the source's deletion. NULL when only the survivor's event is known. */
  readonly ended_at: Instant | null;
  /** The envelope's time. Shown as the merge's time when `merged_at` is unknown. It decides nothing. */
  readonly announced_at: Instant;
}

/** Evidence that a merge of this customer was undone, such as a profile with creation_source UNMERGE_RECOVERY. */
export interface Recovery {
  readonly square_customer_id: string;
  /** NULL for a profile without a version. */
  readonly recovered_version: bigint | null;
  readonly recovered_at: Instant;
}

/**
 * Square answered NOT_FOUND for a profile that is live here. One such answer may be wrong. A second answer in a later
 * pull deletes the profile, unless a copy of the profile arrived in between.
 */
export interface Absence {
  readonly square_customer_id: string;
  /** The stored order key when Square was asked. If the profile has changed since, the answer does not count. */
  readonly known_key: string;
  /** The start of the pull. All answers of one pull count as one. */
  readonly asked_at: Instant;
}

/** An object that an event named without carrying it. It is fetched from Square later. */
export interface PendingFetch {
  readonly object_type: "location" | "catalog" | "order";
  readonly object_id: string;
}

export interface Revocation {
  readonly revoked_at: Instant;
}

/** A location from Square's API. It has no version and no time of change, so the latest read stands. */
export interface Location {
  readonly square_location_id: string;
  readonly name: string | null;
  /** IANA name. */
  readonly time_zone: string | null;
  readonly currency: string | null;
  readonly status: string;
}

export interface ServiceVariation {
  readonly square_variation_id: string;
  readonly name: string;
  /** NULL when the object does not contain its item. */
  readonly item_name: string | null;
  readonly duration_minutes: number | null;
  readonly price_cents: bigint | null;
  readonly currency: string | null;
  /** Epoch milliseconds. It orders copies of one variation. */
  readonly version: bigint;
}

/** Square objects whose copies arrive in any order. Each kind has an entry in src/facts/mirror-tables.ts. */
export interface MirroredObjects {
  readonly booking: Booking;
  readonly payment: Payment;
  readonly refund: Refund;
  readonly customer: Customer;
  readonly team_member: TeamMember;
}

/** Facts about objects that are not copies of an object. */
interface Notices {
  readonly merge: Merge;
  readonly recovery: Recovery;
  readonly absence: Absence;
  readonly pending_fetch: PendingFetch;
  readonly revocation: Revocation;
}

export type ObjectKind = keyof MirroredObjects;

/** The value of each kind of fact. */
export type Facts = MirroredObjects & Notices;

export type FactOf<Kind extends keyof Facts> = {
  [Each in Kind]: { readonly kind: Each; readonly value: Facts[Each] };
}[Kind];

/** One fact. A handler returns any number of facts for an event or an API object. `writeFacts` stores them. */
export type Fact = FactOf<keyof Facts>;
