/**
 * Square's objects and webhook envelopes in wire shape: snake_case JSON, money in integer minor units, timestamps
 * RFC 3339 in UTC with as many fractional digits as Square writes for that object. The types do not use those of
 * `src/square/`, so that the simulator tests the parser independently.
 */

export interface MoneyJson {
  readonly amount: number;
  readonly currency: string;
}

export type BookingStatus =
  | "PENDING"
  | "ACCEPTED"
  | "DECLINED"
  | "CANCELLED_BY_CUSTOMER"
  | "CANCELLED_BY_SELLER"
  | "NO_SHOW";

export interface SegmentJson {
  readonly duration_minutes: number;
  readonly service_variation_id: string;
  readonly service_variation_version: number;
  readonly team_member_id: string;
  readonly any_team_member: boolean;
  readonly intermission_minutes: number;
}

export interface BookingJson {
  readonly id: string;
  readonly version: number;
  readonly status: BookingStatus;
  /** Whole seconds, like every time of a booking. */
  readonly created_at: string;
  readonly updated_at: string;
  readonly start_at: string;
  readonly location_id: string;
  readonly customer_id?: string;
  readonly customer_note?: string;
  readonly seller_note?: string;
  readonly appointment_segments: readonly SegmentJson[];
  readonly transition_time_minutes: number;
  readonly all_day: boolean;
  readonly location_type: "BUSINESS_LOCATION";
  readonly creator_details: {
    readonly creator_type: "CUSTOMER" | "TEAM_MEMBER";
    readonly customer_id?: string;
    readonly team_member_id?: string;
  };
  readonly source: "FIRST_PARTY_MERCHANT" | "FIRST_PARTY_BUYER" | "THIRD_PARTY_BUYER" | "API";
}

export interface ProcessingFeeJson {
  readonly effective_at: string;
  readonly type: "INITIAL" | "ADJUSTMENT";
  readonly amount_money: MoneyJson;
}

export type PaymentStatus = "APPROVED" | "COMPLETED" | "CANCELED" | "FAILED";
export type SourceType = "CARD" | "CASH" | "WALLET" | "EXTERNAL";

export interface PaymentJson {
  readonly id: string;
  /** Milliseconds, like every time of a payment or refund. */
  readonly created_at: string;
  readonly updated_at: string;
  readonly amount_money: MoneyJson;
  readonly tip_money?: MoneyJson;
  readonly total_money: MoneyJson;
  readonly approved_money?: MoneyJson;
  readonly processing_fee?: readonly ProcessingFeeJson[];
  readonly refunded_money?: MoneyJson;
  readonly refund_ids?: readonly string[];
  readonly status: PaymentStatus;
  readonly source_type: SourceType;
  readonly card_details?: object;
  readonly cash_details?: object;
  readonly wallet_details?: object;
  readonly external_details?: object;
  readonly location_id: string;
  readonly order_id: string;
  readonly customer_id?: string;
  readonly team_member_id?: string;
  readonly application_details: { readonly square_product: string; readonly application_id: string };
  readonly delay_duration?: string;
  readonly delay_action?: string;
  readonly delayed_until?: string;
  readonly capabilities?: readonly string[];
  readonly receipt_number: string;
  readonly version_token: string;
}

export interface RefundJson {
  readonly id: string;
  readonly status: "PENDING" | "COMPLETED" | "FAILED" | "REJECTED";
  readonly location_id: string;
  readonly unlinked?: true;
  readonly amount_money: MoneyJson;
  readonly processing_fee?: readonly ProcessingFeeJson[];
  readonly payment_id?: string;
  /** The refund's own order, not the sale's. */
  readonly order_id: string;
  readonly reason: string;
  readonly created_at: string;
  readonly updated_at: string;
  /** Square does not document it, but its examples have it. */
  readonly version: number;
}

export interface CustomerJson {
  readonly id: string;
  /** Milliseconds without trailing zeros; `updated_at` whole seconds. A deleted profile's event has neither. */
  readonly created_at?: string;
  readonly updated_at?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly company_name?: string;
  readonly email_address?: string;
  readonly phone_number?: string;
  /** `YYYY-MM-DD`; year 0000 when unknown. */
  readonly birthday?: string;
  readonly group_ids?: readonly string[];
  readonly preferences: { readonly email_unsubscribed: boolean };
  readonly creation_source: string;
  readonly version: number;
}

export interface TeamMemberJson {
  readonly id: string;
  readonly is_owner: boolean;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly given_name: string;
  readonly family_name: string;
  readonly email_address: string;
  readonly phone_number: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly assigned_locations: {
    readonly assignment_type: "EXPLICIT_LOCATIONS" | "ALL_CURRENT_AND_FUTURE_LOCATIONS";
    readonly location_ids?: readonly string[];
  };
}

export interface BusinessHoursPeriod {
  readonly day_of_week: string;
  readonly start_local_time: string;
  readonly end_local_time: string;
}

export interface LocationJson {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  readonly currency: string;
  readonly country: string;
  readonly language_code: string;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly type: "PHYSICAL";
  readonly merchant_id: string;
  readonly business_name: string;
  readonly phone_number: string;
  readonly created_at: string;
  readonly capabilities: readonly string[];
  readonly business_hours: { readonly periods: readonly BusinessHoursPeriod[] };
}

export interface CatalogVariationJson {
  readonly type: "ITEM_VARIATION";
  readonly id: string;
  /** Epoch milliseconds, like every catalog version. */
  readonly version: number;
  readonly updated_at: string;
  readonly is_deleted: boolean;
  readonly present_at_all_locations: true;
  readonly item_variation_data: {
    readonly item_id: string;
    readonly name: string;
    readonly ordinal: number;
    readonly pricing_type: "FIXED_PRICING";
    readonly price_money: MoneyJson;
    /** Milliseconds. */
    readonly service_duration: number;
    readonly available_for_booking: true;
  };
}

export interface CatalogItemJson {
  readonly type: "ITEM";
  readonly id: string;
  readonly version: number;
  readonly updated_at: string;
  readonly is_deleted: boolean;
  readonly present_at_all_locations: true;
  readonly item_data: {
    readonly name: string;
    readonly product_type: "APPOINTMENTS_SERVICE";
    readonly variations: readonly CatalogVariationJson[];
  };
}

/** The fields of an order that its thin events carry, and its payment. */
export interface OrderJson {
  readonly id: string;
  readonly location_id: string;
  readonly state: "OPEN" | "COMPLETED";
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly tenders?: readonly { readonly id: string; readonly payment_id: string }[];
}

export interface MerchantJson {
  readonly id: string;
  readonly business_name: string;
  readonly country: string;
  readonly currency: string;
  readonly language_code: string;
  readonly main_location_id: string;
  readonly status: "ACTIVE";
  readonly created_at: string;
}

export interface MergeContext {
  readonly merge: { readonly from_customer_ids: readonly string[]; readonly to_customer_id: string };
}

interface ThinOrder {
  readonly order_id: string;
  readonly version: number;
  readonly state: string;
  readonly location_id: string;
  readonly created_at: string;
  readonly updated_at?: string;
}

/** `data.object`: one key for the object, and `event_context` for a merged customer. */
export interface EventObject {
  readonly booking?: BookingJson;
  readonly payment?: PaymentJson;
  readonly refund?: RefundJson;
  readonly customer?: CustomerJson;
  readonly event_context?: MergeContext;
  readonly team_member?: TeamMemberJson;
  readonly catalog_version?: { readonly updated_at: string };
  readonly order_created?: ThinOrder;
  readonly order_updated?: ThinOrder;
  readonly revocation?: { readonly revoked_at: string; readonly revoker_type: string };
}

export type EventType =
  | `${"booking" | "payment" | "refund" | "customer" | "team_member" | "location" | "order"}.${"created" | "updated"}`
  | "customer.deleted"
  | "catalog.version.updated"
  | "oauth.authorization.revoked";

/** A webhook body. Only booking and location events have `location_id`. Location events have no `object`. */
export interface SquareEventJson {
  readonly merchant_id: string;
  readonly location_id?: string;
  readonly type: EventType;
  readonly event_id: string;
  /** When Square made the event. It may be slightly before the object's own times, so it orders nothing. */
  readonly created_at: string;
  readonly data: {
    readonly type: string;
    readonly id: string;
    readonly deleted?: true;
    readonly object?: EventObject;
  };
}
