/**
 * The facts Regulars keeps: Square's objects as rows of the mirror tables (contract section 3).
 *
 * Field names are the column names, because a fact travels to Postgres as one JSON array and comes back as
 * rows. Money is bigint minor units. An instant is an `Instant`: RFC 3339 in UTC with exactly six
 * fractional digits, so that text order is time order and nothing is lost against `timestamptz`.
 */

/** RFC 3339, UTC, microseconds: `2026-03-08T01:30:00.000000Z`. */
export type Instant = string & { readonly __brand: "Instant" };

/** A JSON value as `readJson` returns it: integers beyond 2^53 are bigint, all others number. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonObject = { readonly [key: string]: JsonValue };

/** What every guarded fact carries besides its columns. */
export interface Guarded {
  /**
   * Hex of the order key (src/square/order-key.ts). Of two copies of one object the one with the greater key
   * stands, whatever order they arrive in.
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
  /** Sum of the segments' minutes; 0 without segments. */
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
  /** Sum of the processing fees, adjustments included; they are signed. */
  readonly processing_fee_cents: bigint;
  readonly currency: string;
  readonly source_type: string | null;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly raw: JsonObject;
}

export interface Refund extends Guarded {
  readonly refund_id: string;
  /** NULL for an unlinked refund, which belongs to no payment and so to no customer. */
  readonly payment_id: string | null;
  readonly status: string;
  readonly location_id: string | null;
  readonly amount_cents: bigint;
  readonly currency: string;
  readonly created_at: Instant;
  readonly updated_at: Instant;
  readonly raw: JsonObject;
}

/** A live profile, or a tombstone: then `deleted_at` is set and every profile column is NULL. */
export interface Customer extends Guarded {
  readonly square_customer_id: string;
  readonly version: bigint;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company_name: string | null;
  readonly email_address: string | null;
  readonly phone_number: string | null;
  /** `YYYY-MM-DD` as text: Square writes year 0000 for "unknown", which is no date. */
  readonly birthday: string | null;
  readonly creation_source: string | null;
  readonly created_at: Instant | null;
  readonly updated_at: Instant | null;
  readonly deleted_at: Instant | null;
}

export interface TeamMember extends Guarded {
  readonly square_team_member_id: string;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly status: string;
  readonly updated_at: Instant | null;
}

/**
 * Evidence that `from_customer_id` was merged into `to_customer_id`. Square tells it twice, on the survivor's
 * `customer.created` (which knows when) and on the source's `customer.deleted` (which knows at which version
 * of the source); either may be lost or late.
 */
export interface Merge {
  readonly from_customer_id: string;
  readonly to_customer_id: string;
  /** The source profile's version at its deletion; NULL when only the survivor's event is known. */
  readonly source_version: bigint | null;
  /** The survivor's creation; NULL when only the source's event is known. */
  readonly merged_at: Instant | null;
  /** When the envelope was made. Shown as the merge's time when `merged_at` is unknown; decides nothing. */
  readonly announced_at: Instant;
}

/** Evidence that a merge of this customer was undone: a profile with creation_source UNMERGE_RECOVERY. */
export interface Recovery {
  readonly square_customer_id: string;
  readonly recovered_version: bigint;
  readonly recovered_at: Instant;
}

/** An object that an event named without carrying it; the next sweep fetches it from Square. */
export interface PendingFetch {
  readonly object_type: "location" | "catalog" | "order";
  readonly object_id: string;
}

export interface Revocation {
  readonly revoked_at: Instant;
}

/** What one event says: any number of facts. Handlers return it; src/inbox writes it. */
export type Fact =
  | { readonly kind: "booking"; readonly value: Booking }
  | { readonly kind: "payment"; readonly value: Payment }
  | { readonly kind: "refund"; readonly value: Refund }
  | { readonly kind: "customer"; readonly value: Customer }
  | { readonly kind: "merge"; readonly value: Merge }
  | { readonly kind: "recovery"; readonly value: Recovery }
  | { readonly kind: "team_member"; readonly value: TeamMember }
  | { readonly kind: "pending_fetch"; readonly value: PendingFetch }
  | { readonly kind: "revocation"; readonly value: Revocation };
