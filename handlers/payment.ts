import { orderKey } from "../src/facts/order-key.js";
import type { Fact } from "../src/facts/types.js";
import { parsePayment } from "../src/square/schemas/payment.js";
import { toMicroseconds } from "../src/square/timestamp.js";
import type { JsonObject } from "../src/square/types.js";
import { amountOf, currencyOf, sumOfMoney } from "./amounts.js";
import type { Handler } from "./handler.js";

export const payment: Handler = {
  eventTypes: ["payment.created", "payment.updated"],
  interpret: ({ data }) => factsOfPayment(data.object?.payment),
};

const TERMINAL: ReadonlySet<string> = new Set(["COMPLETED", "CANCELED", "FAILED"]);

/**
 * A payment may have no customer at first and get one later. The fact holds the customer of this copy. Refunds are
 * objects of their own and change no column here. `refunded_money` only orders two copies of one instant.
 *
 * @param object a payment in wire shape, from a webhook or the API
 * @throws {InvalidPayload}
 */
export function factsOfPayment(object: unknown): Fact[] {
  const payment = parsePayment(object);
  const raw = object as JsonObject;
  const { amount_money, tip_money, total_money } = payment;
  const tip = amountOf(tip_money) ?? 0n;
  const amount = amountOf(amount_money) ?? sumOfMoney([amountOf(total_money) ?? tip, -tip]);
  const fees = (payment.processing_fee ?? []).map((fee) => amountOf(fee.amount_money) ?? 0n);
  const value = {
    payment_id: payment.id,
    status: payment.status,
    reported_customer_id: payment.customer_id,
    location_id: payment.location_id,
    order_id: payment.order_id,
    amount_cents: amount,
    tip_cents: tip,
    total_cents: amountOf(total_money) ?? sumOfMoney([amount, tip]),
    processing_fee_cents: sumOfMoney(fees),
    currency: currencyOf("payment.amount_money", amount_money, total_money, tip_money),
    source_type: payment.source_type,
    is_gift_card: payment.card_details?.card?.card_brand === "SQUARE_GIFT_CARD",
    created_at: payment.created_at,
    updated_at: toMicroseconds(payment.updated_at),
    raw,
    order_key: orderKey({
      updatedAt: payment.updated_at,
      terminal: TERMINAL.has(payment.status),
      refundedAmount: amountOf(payment.refunded_money) ?? 0n,
      object: raw,
    }),
  };
  return [{ kind: "payment", value }];
}
