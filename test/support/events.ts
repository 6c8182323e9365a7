/** Small Square events with defaults. A test sets only the values that it is about. */
import { createHash } from "node:crypto";
import { readEnvelope, type SquareEvent } from "../../src/square/envelope.js";
import { readJson } from "../../src/square/read-json.js";

export const MERCHANT = "MLTESTHARBOR";

type Json = Readonly<Record<string, unknown>>;

export interface EventJson extends Json {
  readonly merchant_id: string;
  readonly type: string;
  readonly event_id: string;
  readonly created_at: string;
  readonly data: Json;
}

let events = 0;

/** An event with a new id, unless `envelope` has one. */
export function squareEvent(type: string, data: Json, envelope: Partial<EventJson> = {}): EventJson {
  events += 1;
  const event_id = uuidOf(`${type} ${events}`);
  return { merchant_id: MERCHANT, type, event_id, created_at: "2026-05-30T09:00:00Z", data, ...envelope };
}

export function bookingEvent(booking: Json = {}, envelope?: Partial<EventJson>): EventJson {
  const whole = {
    id: "booking-1",
    version: 0,
    status: "ACCEPTED",
    customer_id: "ana",
    location_id: "harbor",
    start_at: "2026-05-20T17:00:00Z",
    created_at: "2026-05-01T10:00:00Z",
    updated_at: "2026-05-01T10:00:00Z",
    appointment_segments: [
      { team_member_id: "stylist-1", service_variation_id: "cut", duration_minutes: 45 },
    ],
    ...booking,
  };
  const id = `${whole.id}:${whole.version}`;
  return squareEvent("booking.updated", { type: "booking", id, object: { booking: whole } }, envelope);
}

/** @param payment `cents` is the amount and the total */
export function paymentEvent(
  { cents = 5000, currency = "USD", ...payment }: Json & { cents?: number | bigint; currency?: string } = {},
  envelope?: Partial<EventJson>,
): EventJson {
  const money = { amount: cents, currency };
  const whole = {
    id: "payment-1",
    status: "COMPLETED",
    customer_id: "ana",
    location_id: "harbor",
    amount_money: money,
    total_money: money,
    source_type: "CARD",
    created_at: "2026-05-20T18:00:00Z",
    updated_at: "2026-05-20T18:00:00Z",
    ...payment,
  };
  return squareEvent(
    "payment.updated",
    { type: "payment", id: whole.id, object: { payment: whole } },
    envelope,
  );
}

export function refundEvent(
  { cents = 1000, ...refund }: Json & { cents?: number } = {},
  envelope?: Partial<EventJson>,
): EventJson {
  const whole = {
    id: "refund-1",
    payment_id: "payment-1",
    status: "COMPLETED",
    location_id: "harbor",
    amount_money: { amount: cents, currency: "USD" },
    created_at: "2026-05-21T18:00:00Z",
    updated_at: "2026-05-21T18:00:00Z",
    ...refund,
  };
  return squareEvent("refund.updated", { type: "refund", id: whole.id, object: { refund: whole } }, envelope);
}

/** @param merge the merge that caused the event, if one did */
export function customerEvent(
  type: "customer.created" | "customer.updated" | "customer.deleted",
  customer: Json & { readonly id: string },
  merge?: { readonly from: readonly string[]; readonly to: string },
  envelope?: Partial<EventJson>,
): EventJson {
  const whole = {
    version: 0,
    given_name: `Given ${customer.id}`,
    created_at: "2026-04-01T10:00:00Z",
    updated_at: "2026-04-01T10:00:00Z",
    ...customer,
  };
  const event_context = merge && { merge: { from_customer_ids: merge.from, to_customer_id: merge.to } };
  const object = { customer: whole, ...(event_context && { event_context }) };
  const deleted = type === "customer.deleted" && { deleted: true };
  return squareEvent(type, { type: "customer", id: customer.id, ...deleted, object }, envelope);
}

/** The events that Square sends for a merge: the survivor's, then one for each source. */
export function mergeEvents(from: readonly string[], to: string, mergedAt: string): EventJson[] {
  const merge = { from, to };
  const times = { updated_at: mergedAt };
  return [
    customerEvent("customer.created", { id: to, created_at: mergedAt, ...times }, merge),
    ...from.map((id) => customerEvent("customer.deleted", { id, version: 3, ...times }, merge)),
  ];
}

/** The event as JSON. Integers beyond 2^53 are bigint in tests and numbers in the JSON. */
export function bodyOf(event: unknown): string {
  const text = JSON.stringify(event, (_, value) => (typeof value === "bigint" ? `bigint:${value}` : value));
  return text.replaceAll(/"bigint:(-?\d+)"/g, "$1");
}

/** The event as the route gives it to the inbox. */
export function received(event: unknown): SquareEvent {
  return readEnvelope(readJson(Buffer.from(bodyOf(event))));
}

export function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
