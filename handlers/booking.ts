import { orderKey } from "../src/facts/order-key.js";
import type { Fact } from "../src/facts/types.js";
import { parseBooking } from "../src/square/schemas/booking.js";
import { toMicroseconds } from "../src/square/timestamp.js";
import type { JsonObject } from "../src/square/types.js";
import { sumOfMinutes } from "./amounts.js";
import type { Handler } from "./handler.js";

/** Every change of a booking arrives as `booking.updated`: accepted, rescheduled, cancelled, declined, no-show. */
export const booking: Handler = {
  eventTypes: ["booking.created", "booking.updated"],
  interpret: ({ data }) => factsOfBooking(data.object?.booking, data.id),
};

/** Statuses that a booking seldom leaves. */
const TERMINAL: ReadonlySet<string> = new Set([
  "CANCELLED_BY_CUSTOMER",
  "CANCELLED_BY_SELLER",
  "DECLINED",
  "NO_SHOW",
]);

/**
 * @param object a booking in wire shape, from a webhook or the API
 * @param versionedId `data.id` of the event, `<booking id>:<version>`. It is read only if the booking has no version.
 * @throws {InvalidPayload}
 */
export function factsOfBooking(object: unknown, versionedId: string | null = null): Fact[] {
  const booking = parseBooking(object);
  const raw = object as JsonObject;
  const version = booking.version ?? versionOf(versionedId);
  const segments = (booking.appointment_segments ?? []).map((segment, segment_index) => ({
    segment_index,
    team_member_id: segment.team_member_id,
    service_variation_id: segment.service_variation_id,
    duration_minutes: segment.duration_minutes ?? 0,
  }));
  const value = {
    booking_id: booking.id,
    version,
    status: booking.status,
    reported_customer_id: booking.customer_id,
    location_id: booking.location_id,
    start_at: booking.start_at,
    created_at: booking.created_at,
    updated_at: toMicroseconds(booking.updated_at),
    duration_minutes: sumOfMinutes(segments.map((segment) => segment.duration_minutes)),
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
      object: raw,
    }),
  };
  return [{ kind: "booking", value }];
}

/** The version in the id, or 0, a booking's first version, when the id contains none. */
function versionOf(versionedId: string | null): number {
  const version = Number(/:(\d{1,10})$/.exec(versionedId ?? "")?.[1] ?? 0);
  return version < 2 ** 31 ? version : 0;
}
