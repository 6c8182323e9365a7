import { z } from "zod";
import { orderKey } from "../order-key.js";
import type { Booking, JsonObject } from "../types.js";
import {
  count,
  optionalName,
  optionalText,
  parseObject,
  requiredInstant,
  requiredName,
  sumOfCounts,
} from "./fields.js";

const TERMINAL: ReadonlySet<string> = new Set([
  "CANCELLED_BY_CUSTOMER",
  "CANCELLED_BY_SELLER",
  "DECLINED",
  "NO_SHOW",
]);

const segmentSchema = z.object({
  team_member_id: optionalName,
  service_variation_id: optionalName,
  duration_minutes: count.nullish(),
});

const bookingSchema = z.object({
  id: requiredName,
  version: count.nullish(),
  status: requiredName,
  customer_id: optionalName,
  location_id: optionalName,
  start_at: requiredInstant,
  created_at: requiredInstant,
  updated_at: requiredInstant,
  customer_note: optionalText,
  seller_note: optionalText,
  creator_details: z.object({ creator_type: optionalName }).nullish(),
  source: optionalName,
  appointment_segments: z.array(segmentSchema).nullish(),
});

export interface BookingHints {
  /** `data.id` of the event, `<booking id>:<version>`: read only for a booking that carries no version. */
  readonly versionedId?: string | null;
}

/**
 * Reads a booking in wire shape, from a webhook or the API.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/Booking
 */
export function parseBooking(object: unknown, { versionedId }: BookingHints = {}): Booking {
  const booking = parseObject("booking", bookingSchema, object);
  const raw = object as JsonObject;
  const version = booking.version ?? versionOf(versionedId);
  const segments = (booking.appointment_segments ?? []).map((segment, segment_index) => ({
    segment_index,
    team_member_id: segment.team_member_id,
    service_variation_id: segment.service_variation_id,
    duration_minutes: segment.duration_minutes ?? 0,
  }));
  return {
    booking_id: booking.id,
    version,
    status: booking.status,
    reported_customer_id: booking.customer_id,
    location_id: booking.location_id,
    start_at: booking.start_at,
    created_at: booking.created_at,
    updated_at: booking.updated_at,
    duration_minutes: sumOfCounts(
      "booking.appointment_segments",
      segments.map((segment) => segment.duration_minutes),
    ),
    customer_note: booking.customer_note,
    seller_note: booking.seller_note,
    creator_type: booking.creator_details?.creator_type ?? null,
    source: booking.source,
    raw,
    segments,
    order_key: orderKey({
      version: BigInt(version),
      updatedAt: booking.updated_at,
      terminal: TERMINAL.has(booking.status),
      refundedAmount: 0n,
      object: raw,
    }),
  };
}

/** 0, the version a booking begins with, when the id tells none. */
function versionOf(versionedId: string | null | undefined): number {
  const digits = /:(\d{1,10})$/.exec(versionedId ?? "")?.[1];
  const version = count.safeParse(Number(digits));
  return version.success ? version.data : 0;
}
