/**
 * Turns webhook events into fact tables by the rules of order. It shares no code with src/. The order of the events
 * and duplicate events make no difference.
 */
import { isDeepStrictEqual } from "node:util";
import type { AnyJson } from "../support/any-json.js";
import { type MergeEvidence, type RecoveryEvidence, resolveAliases } from "./aliases.js";
import type { CustomerRow, FactTables, LocationRow, OrganizationRow } from "./facts.js";
import { toMicros } from "./instants.js";

/** The fields of a webhook envelope that are read here. */
export interface WebhookEvent {
  readonly merchant_id: string;
  readonly type: string;
  readonly event_id: string;
  readonly created_at: string;
  readonly data: { readonly id: string; readonly deleted?: boolean; readonly object?: Json };
}

/** Square's JSON, read as documented. A wrong read makes a test of histories fail. */
type Json = Record<string, AnyJson>;

export function factsFromEvents(
  events: readonly WebhookEvent[],
  organization: OrganizationRow,
  locations: readonly LocationRow[],
): FactTables {
  const objects = (kind: string) => events.flatMap((event): Json[] => event.data.object?.[kind] ?? []);
  const bookings = newest(bookingsIn(events), bookingIsNewer);
  const payments = newest(objects("payment"), paymentIsNewer);
  const refunds = newest(objects("refund"), refundIsNewer);
  const profiles = standingProfiles(profileChanges(events));

  const aliases = resolveAliases(mergesIn(events), recoveriesIn(events));
  const survivor = (id: string | undefined): string | null =>
    aliases.find((alias) => alias.from_customer_id === id)?.to_customer_id ?? id ?? null;

  return {
    organization,
    locations,
    customers: profiles.map(customerRow),
    customer_aliases: aliases,
    bookings: bookings.map((booking) => ({
      booking_id: booking.id,
      status: booking.status,
      customer_id: survivor(booking.customer_id),
      location_id: booking.location_id ?? null,
      start_at: booking.start_at,
      created_at: booking.created_at,
      updated_at: booking.updated_at,
      customer_note: booking.customer_note || null,
      seller_note: booking.seller_note || null,
      creator_type: booking.creator_details?.creator_type ?? null,
    })),
    booking_segments: bookings.flatMap((booking) =>
      (booking.appointment_segments ?? []).map((segment: Json, segment_index: number) => ({
        booking_id: booking.id,
        segment_index,
        team_member_id: segment.team_member_id ?? null,
        service_variation_id: segment.service_variation_id ?? null,
        duration_minutes: segment.duration_minutes ?? null,
      })),
    ),
    payments: payments.map((payment) => ({
      payment_id: payment.id,
      status: payment.status,
      customer_id: survivor(payment.customer_id),
      location_id: payment.location_id ?? null,
      amount_cents: cents(payment.amount_money),
      tip_cents: cents(payment.tip_money),
      total_cents: cents(payment.total_money),
      processing_fee_cents: (payment.processing_fee ?? []).reduce(
        (total: bigint, fee: Json) => total + cents(fee.amount_money),
        0n,
      ),
      currency: payment.amount_money.currency,
      source_type: payment.source_type ?? null,
      is_gift_card: payment.card_details?.card?.card_brand === "SQUARE_GIFT_CARD",
      created_at: payment.created_at,
    })),
    refunds: refunds.map((refund) => ({
      refund_id: refund.id,
      payment_id: refund.payment_id ?? null,
      status: refund.status,
      location_id: refund.location_id ?? null,
      amount_cents: cents(refund.amount_money),
      currency: refund.amount_money.currency,
      created_at: refund.created_at,
    })),
    referral_profiles: [],
    referral_rewards: [],
  };
}

/**
 * Every booking of the events. One without a version has the version after the colon of `data.id`, or else 0. So
 * bookings without any version are ordered by their times.
 */
function bookingsIn(events: readonly WebhookEvent[]): Json[] {
  return events.flatMap(({ data }): Json[] => {
    const booking = data.object?.booking;
    if (booking === undefined) return [];
    return [{ ...booking, version: booking.version ?? Number(data.id?.split(":")[1] ?? 0) }];
  });
}

/** The newest copy of each id. */
function newest(copies: readonly Json[], isNewer: (a: Json, b: Json) => boolean): Json[] {
  const standing = new Map<string, Json>();
  for (const copy of copies) {
    const other = standing.get(copy.id);
    if (other === undefined || isNewer(copy, other)) standing.set(copy.id, copy);
    else if (!isNewer(other, copy) && !isDeepStrictEqual(other, copy)) {
      throw new Error(`two copies of ${copy.id} differ and neither is newer`);
    }
  }
  return [...standing.values()];
}

/** Higher version wins; then the later updated_at; then a terminal status over an open one. */
function bookingIsNewer(a: Json, b: Json): boolean {
  if (a.version !== b.version) return a.version > b.version;
  if (toMicros(a.updated_at) !== toMicros(b.updated_at))
    return toMicros(a.updated_at) > toMicros(b.updated_at);
  const open = ["PENDING", "ACCEPTED"];
  return !open.includes(a.status) && open.includes(b.status);
}

/** Later updated_at wins; then a terminal status over an open one; then the larger refunded amount. */
function paymentIsNewer(a: Json, b: Json): boolean {
  if (toMicros(a.updated_at) !== toMicros(b.updated_at))
    return toMicros(a.updated_at) > toMicros(b.updated_at);
  const terminal = ["COMPLETED", "CANCELED", "FAILED"];
  if (terminal.includes(a.status) !== terminal.includes(b.status)) return terminal.includes(a.status);
  return cents(a.refunded_money) > cents(b.refunded_money);
}

/** Later updated_at wins; then a terminal status over an open one. */
function refundIsNewer(a: Json, b: Json): boolean {
  if (toMicros(a.updated_at) !== toMicros(b.updated_at))
    return toMicros(a.updated_at) > toMicros(b.updated_at);
  const terminal = ["COMPLETED", "REJECTED", "FAILED"];
  return terminal.includes(a.status) && !terminal.includes(b.status);
}

/** Of each profile the newest copy with a version and the newest without are compared. The later one counts. */
function standingProfiles(copies: readonly Json[]): Json[] {
  const versioned = newest(
    copies.filter(({ version }) => version != null),
    profileIsNewer,
  );
  const unversioned = newest(
    copies.filter(({ version }) => version == null),
    profileIsLater,
  );
  return newest([...versioned, ...unversioned], (a, b) => {
    if (a.at !== b.at) return a.at > b.at;
    const rank = ({ version, isDeleted }: Json) => (version != null ? 1 : isDeleted ? 2 : 0);
    return rank(a) > rank(b);
  });
}

/** Higher version wins; a deletion wins over the same version; then the later time. */
function profileIsNewer(a: Json, b: Json): boolean {
  if (a.version !== b.version) return a.version > b.version;
  if (a.isDeleted !== b.isDeleted) return a.isDeleted;
  return !a.isDeleted && a.at > b.at;
}

/** The later time wins. At the same time a deletion wins. */
function profileIsLater(a: Json, b: Json): boolean {
  return a.at !== b.at ? a.at > b.at : a.isDeleted && !b.isDeleted;
}

/**
 * Every profile of the events, with its time and whether the event deletes it. A deletion without a profile has the
 * id and the time of its envelope.
 */
function profileChanges(events: readonly WebhookEvent[]): Json[] {
  return events.flatMap((event): Json[] => {
    const isDeleted = event.type === "customer.deleted";
    const customer = event.data.object?.customer ?? (isDeleted ? { id: event.data.id } : undefined);
    if (customer === undefined) return [];
    const time = customer.updated_at ?? (isDeleted ? event.created_at : undefined);
    return [{ ...customer, isDeleted, at: time === undefined ? -Infinity : toMicros(time) }];
  });
}

function customerRow(profile: Json): CustomerRow {
  const alive = (field: string): string | null => (profile.isDeleted ? null : (profile[field] ?? null));
  return {
    square_customer_id: profile.id,
    given_name: alive("given_name"),
    family_name: alive("family_name"),
    company_name: alive("company_name"),
    email_address: alive("email_address"),
    phone_number: alive("phone_number"),
    birthday: alive("birthday"),
    creation_source: alive("creation_source"),
    created_at: alive("created_at"),
    // The time of the deletion changes no column.
    deleted_at: profile.isDeleted ? "1970-01-01T00:00:00Z" : null,
  };
}

function mergesIn(events: readonly WebhookEvent[]): MergeEvidence[] {
  return events.flatMap((event) => {
    const customer = event.data.object?.customer;
    const merge = event.data.object?.event_context?.merge;
    if (merge === undefined) return [];
    return merge.from_customer_ids.map((from: string) => ({
      from,
      to: merge.to_customer_id,
      deletedVersion: endedHere(event, from) && customer?.version != null ? BigInt(customer.version) : null,
      endedAt: endedHere(event, from) ? toMicros(customer?.updated_at ?? event.created_at) : null,
      mergedAt:
        event.type === "customer.created" && customer?.id === merge.to_customer_id
          ? toMicros(customer.created_at)
          : null,
    }));
  });
}

/** Whether the event is the deletion of a merge's source. */
function endedHere({ type, data }: WebhookEvent, from: string): boolean {
  return type === "customer.deleted" && (data.object?.customer?.id ?? data.id) === from;
}

/**
 * Deletions are left out, because a recovered profile keeps its creation_source when it is deleted or merged again.
 */
function recoveriesIn(events: readonly WebhookEvent[]): RecoveryEvidence[] {
  return events
    .filter((event) => event.type !== "customer.deleted")
    .map((event) => event.data.object?.customer)
    .filter((customer) => customer?.creation_source === "UNMERGE_RECOVERY")
    .map((customer) => ({
      id: customer.id,
      version: customer.version == null ? null : BigInt(customer.version),
      recoveredAt: toMicros(customer.updated_at ?? customer.created_at),
    }));
}

function cents(money: Json | undefined): bigint {
  return BigInt(money?.amount ?? 0);
}
