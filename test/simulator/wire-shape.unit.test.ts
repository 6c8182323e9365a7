import { expect, test } from "vitest";
import { z } from "zod";
import { Ledger } from "../../src/simulator/ledger.js";
import type { EventType } from "../../src/simulator/objects.js";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { turbulence } from "../support/turbulence.js";

/** Square's documented shapes, written down strictly: an unknown key in the simulator is a mistake there. */

const id = z.string().min(8);
const text = z.string();
const version = z.int().min(0);
const minutes = z.int().min(0);
const time = (fraction: string) =>
  z.string().regex(new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d${fraction}Z$`));
const seconds = time("");
const milliseconds = time("\\.\\d{3}");
const trimmed = time("(\\.\\d{0,2}[1-9])?");
const nanoseconds = time("\\.\\d{9}");
const signedMoney = z.strictObject({ amount: z.int(), currency: z.string().length(3) });
const money = signedMoney.extend({ amount: z.int().min(0) });
const fee = z.strictObject({
  effective_at: milliseconds,
  type: z.enum(["INITIAL", "ADJUSTMENT"]),
  amount_money: signedMoney,
});

const booking = z.strictObject({
  id: z.string().length(14),
  version,
  status: z.enum([
    "PENDING",
    "ACCEPTED",
    "DECLINED",
    "CANCELLED_BY_CUSTOMER",
    "CANCELLED_BY_SELLER",
    "NO_SHOW",
  ]),
  created_at: seconds,
  updated_at: seconds,
  start_at: seconds,
  location_id: id,
  customer_id: id.optional(),
  customer_note: text.optional(),
  seller_note: text.optional(),
  appointment_segments: z.array(
    z.strictObject({
      duration_minutes: minutes,
      service_variation_id: id,
      service_variation_version: z.int().positive(),
      team_member_id: id,
      any_team_member: z.boolean(),
      intermission_minutes: minutes,
    }),
  ),
  transition_time_minutes: minutes,
  all_day: z.boolean(),
  location_type: z.literal("BUSINESS_LOCATION"),
  creator_details: z.union([
    z.strictObject({ creator_type: z.literal("CUSTOMER"), customer_id: id }),
    z.strictObject({ creator_type: z.literal("TEAM_MEMBER"), team_member_id: id }),
  ]),
  source: z.enum(["FIRST_PARTY_MERCHANT", "FIRST_PARTY_BUYER", "THIRD_PARTY_BUYER", "API"]),
});

const payment = z.strictObject({
  id,
  created_at: milliseconds,
  updated_at: milliseconds,
  amount_money: money,
  tip_money: money.optional(),
  total_money: money,
  approved_money: money.optional(),
  processing_fee: z.array(fee).optional(),
  refunded_money: money.optional(),
  refund_ids: z.array(id).min(1).optional(),
  status: z.enum(["APPROVED", "COMPLETED", "CANCELED", "FAILED"]),
  source_type: z.enum(["CARD", "CASH", "WALLET", "EXTERNAL"]),
  card_details: z.looseObject({ status: text }).optional(),
  cash_details: z.strictObject({ buyer_supplied_money: money, change_back_money: money }).optional(),
  wallet_details: z.looseObject({ status: text }).optional(),
  external_details: z.strictObject({ type: text, source: text }).optional(),
  location_id: id,
  order_id: id,
  customer_id: id.optional(),
  team_member_id: id,
  application_details: z.strictObject({ square_product: text, application_id: id }),
  delay_action: text.optional(),
  delay_duration: text.optional(),
  delayed_until: milliseconds.optional(),
  capabilities: z.array(text).optional(),
  receipt_number: z.string().length(4),
  version_token: id,
});

const refund = z.strictObject({
  id,
  status: z.enum(["PENDING", "COMPLETED", "FAILED", "REJECTED"]),
  location_id: id,
  unlinked: z.literal(true).optional(),
  amount_money: money,
  processing_fee: z.array(fee).optional(),
  payment_id: id.optional(),
  order_id: id,
  reason: text,
  created_at: milliseconds,
  updated_at: milliseconds,
  version,
});

const deletedCustomer = z.strictObject({
  id: z.string().length(26),
  given_name: text.optional(),
  family_name: text.optional(),
  company_name: text.optional(),
  email_address: z.string().endsWith("@example.com").optional(),
  phone_number: z
    .string()
    .regex(/^\+1\d{3}555\d{4}$/)
    .optional(),
  birthday: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d$/)
    .optional(),
  preferences: z.strictObject({ email_unsubscribed: z.boolean() }),
  creation_source: text,
  version,
});
const customer = deletedCustomer.extend({
  created_at: trimmed,
  updated_at: seconds,
  group_ids: z.array(text).optional(),
});

const event_context = z
  .strictObject({ merge: z.strictObject({ from_customer_ids: z.array(id).min(2), to_customer_id: id }) })
  .optional();

const team_member = z.strictObject({
  id,
  is_owner: z.boolean(),
  status: z.enum(["ACTIVE", "INACTIVE"]),
  given_name: text,
  family_name: text,
  email_address: z.string().endsWith("example.com"),
  phone_number: z.string().regex(/^\+1503555\d{4}$/),
  created_at: milliseconds,
  updated_at: milliseconds,
  assigned_locations: z.union([
    z.strictObject({ assignment_type: z.literal("ALL_CURRENT_AND_FUTURE_LOCATIONS") }),
    z.strictObject({ assignment_type: z.literal("EXPLICIT_LOCATIONS"), location_ids: z.array(id).length(1) }),
  ]),
});

const thinOrder = z.strictObject({
  order_id: id,
  version: z.int().positive(),
  state: z.enum(["OPEN", "COMPLETED"]),
  location_id: id,
  created_at: milliseconds,
});

/** An event's body, by the type of `data`, the object inside and how its times are written. */
function body(dataType: string, object: z.ZodType | null, made: z.ZodType, more: z.ZodRawShape = {}) {
  const data = { type: z.literal(dataType), id, ...(object && { object }) };
  const deleted = more.deleted ? { deleted: more.deleted } : {};
  const { deleted: _, ...envelope } = more;
  return z.strictObject({
    merchant_id: z.string().length(13),
    type: text,
    event_id: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    created_at: made,
    ...envelope,
    data: z.strictObject({ ...data, ...deleted }),
  });
}

const of = (shape: z.ZodRawShape) => z.strictObject(shape);
const bookingBody = body("booking", of({ booking }), seconds, { location_id: id });
const paymentBody = body("payment", of({ payment }), milliseconds);
const refundBody = body("refund", of({ refund }), milliseconds);
const customerBody = body("customer", of({ customer, event_context }), seconds);
const teamBody = body("team_member", of({ team_member }), milliseconds);
const locationBody = body("Location", null, milliseconds, { location_id: id });

const shapes: Record<EventType, z.ZodType> = {
  "booking.created": bookingBody,
  "booking.updated": bookingBody,
  "payment.created": paymentBody,
  "payment.updated": paymentBody,
  "refund.created": refundBody,
  "refund.updated": refundBody,
  "customer.created": customerBody,
  "customer.updated": customerBody,
  "customer.deleted": body("customer", of({ customer: deletedCustomer, event_context }), seconds, {
    deleted: z.literal(true),
  }),
  "team_member.created": teamBody,
  "team_member.updated": teamBody,
  "location.created": locationBody,
  "location.updated": locationBody,
  "catalog.version.updated": body(
    "catalog_version",
    of({ catalog_version: of({ updated_at: milliseconds }) }),
    nanoseconds,
  ),
  "order.created": body("order_created", of({ order_created: thinOrder }), milliseconds),
  "order.updated": body(
    "order_updated",
    of({ order_updated: thinOrder.extend({ updated_at: milliseconds }) }),
    milliseconds,
  ),
  "oauth.authorization.revoked": body(
    "revocation",
    of({ revocation: of({ revoked_at: nanoseconds, revoker_type: z.literal("MERCHANT") }) }),
    nanoseconds,
  ),
};

const start = new Date("2025-01-01T00:00:00Z");
const end = new Date("2025-06-01T00:00:00Z");

test.each([
  ["an ordinary salon", { seed: 1, start, end, customers: 100 }],
  ["a turbulent salon", { ...turbulence, seed: 2, start, end, customers: 8 }],
])("every event of %s has the documented shape", (_, options) => {
  const salon = simulateSalon(options);
  const ledger = new Ledger(salon.truth, new Random(1), () => end.getTime());
  ledger.announceRevocation();
  for (const { event } of [...salon.events(), ...ledger.outbox]) {
    const wrong = shapes[event.type].safeParse(event).error;
    expect(wrong && `${event.type}: ${z.prettifyError(wrong)}`).toBeUndefined();
  }
});

test("a booking's data.id names the version, every other names the object", () => {
  for (const { event } of simulateSalon({ ...turbulence, seed: 4, start, end, customers: 8 }).events()) {
    const { booking, payment, refund, customer, team_member } = event.data.object ?? {};
    if (booking) expect(event.data.id).toBe(`${booking.id}:${booking.version}`);
    const other = payment ?? refund ?? customer ?? team_member;
    if (other) expect(event.data.id).toBe(other.id);
  }
});
