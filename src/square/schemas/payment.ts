import { z } from "zod";
import { orderKey } from "../order-key.js";
import type { JsonObject, Payment } from "../types.js";
import {
  money,
  optionalMoney,
  optionalName,
  parseObject,
  requiredInstant,
  requiredName,
  sumOfMoney,
} from "./fields.js";

const TERMINAL: ReadonlySet<string> = new Set(["COMPLETED", "CANCELED", "FAILED"]);

const paymentSchema = z.object({
  id: requiredName,
  status: requiredName,
  customer_id: optionalName,
  location_id: optionalName,
  order_id: optionalName,
  amount_money: money,
  tip_money: optionalMoney,
  total_money: optionalMoney,
  refunded_money: optionalMoney,
  processing_fee: z.array(z.object({ amount_money: optionalMoney })).nullish(),
  source_type: optionalName,
  created_at: requiredInstant,
  updated_at: requiredInstant,
});

/**
 * Reads a payment in wire shape, from a webhook or the API.
 *
 * Refunds reduce no column here: they are objects of their own, and `refunded_money` only helps to order two
 * copies of one instant.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/Payment
 */
export function parsePayment(object: unknown): Payment {
  const payment = parseObject("payment", paymentSchema, object);
  const raw = object as JsonObject;
  const amount = payment.amount_money.amount;
  const tip = payment.tip_money?.amount ?? 0n;
  const fees = (payment.processing_fee ?? []).map((fee) => fee.amount_money?.amount ?? 0n);
  return {
    payment_id: payment.id,
    status: payment.status,
    reported_customer_id: payment.customer_id,
    location_id: payment.location_id,
    order_id: payment.order_id,
    amount_cents: amount,
    tip_cents: tip,
    total_cents: payment.total_money?.amount ?? sumOfMoney("payment.total_money", [amount, tip]),
    processing_fee_cents: sumOfMoney("payment.processing_fee", fees),
    currency: payment.amount_money.currency,
    source_type: payment.source_type,
    created_at: payment.created_at,
    updated_at: payment.updated_at,
    raw,
    order_key: orderKey({
      updatedAt: payment.updated_at,
      terminal: TERMINAL.has(payment.status),
      refundedAmount: payment.refunded_money?.amount ?? 0n,
      object: raw,
    }),
  };
}
