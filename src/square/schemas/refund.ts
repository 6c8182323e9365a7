import { z } from "zod";
import { orderKey } from "../order-key.js";
import type { JsonObject, Refund } from "../types.js";
import { money, optionalName, parseObject, requiredInstant, requiredName } from "./fields.js";

const TERMINAL: ReadonlySet<string> = new Set(["COMPLETED", "REJECTED", "FAILED"]);

const refundSchema = z.object({
  id: requiredName,
  payment_id: optionalName,
  status: requiredName,
  location_id: optionalName,
  amount_money: money,
  created_at: requiredInstant,
  updated_at: requiredInstant,
});

/**
 * Reads a refund (`PaymentRefund`) in wire shape, from a webhook or the API.
 *
 * Webhooks carry an undocumented `version`, which the API does not: both must be comparable, so `updated_at`
 * alone orders refunds.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/PaymentRefund
 */
export function parseRefund(object: unknown): Refund {
  const refund = parseObject("refund", refundSchema, object);
  const raw = object as JsonObject;
  return {
    refund_id: refund.id,
    payment_id: refund.payment_id,
    status: refund.status,
    location_id: refund.location_id,
    amount_cents: refund.amount_money.amount,
    currency: refund.amount_money.currency,
    created_at: refund.created_at,
    updated_at: refund.updated_at,
    raw,
    order_key: orderKey({
      updatedAt: refund.updated_at,
      terminal: TERMINAL.has(refund.status),
      refundedAmount: refund.amount_money.amount,
      object: raw,
    }),
  };
}
