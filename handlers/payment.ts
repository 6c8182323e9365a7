import { orderKey } from "../src/facts/order-key.js";
import type { Fact } from "../src/facts/types.js";
import { parsePayment } from "../src/square/schemas.js";
import type { JsonObject } from "../src/square/types.js";
import type { Handler } from "./handler.js";
import { sumOfMoney } from "./sums.js";

export const payment: Handler = {
  eventTypes: ["payment.created", "payment.updated"],
  interpret: ({ data }) => factsOfPayment(data.object?.payment),
};

const TERMINAL: ReadonlySet<string> = new Set(["COMPLETED", "CANCELED", "FAILED"]);

/**
 * The customer may be missing at first and be added later: the fact says what this copy says, no more. Refunds reduce no
 * column here. They are objects of their own, and `refunded_money` only helps to order two copies of one instant.
 *
 * @param object a payment in wire shape, from a webhook or the API
 * @throws {InvalidPayload}
 */
export function factsOfPayment(object: unknown): Fact[] {
  const payment = parsePayment(object);
  const raw = object as JsonObject;
  const amount = payment.amount_money.amount;
  const tip = payment.tip_money?.amount ?? 0n;
  const fees = (payment.processing_fee ?? []).map((fee) => fee.amount_money?.amount ?? 0n);
  const value = {
    payment_id: payment.id,
    status: payment.status,
    reported_customer_id: payment.customer_id,
    location_id: payment.location_id,
    order_id: payment.order_id,
    amount_cents: amount,
    tip_cents: tip,
    total_cents: payment.total_money?.amount ?? sumOfMoney([amount, tip]),
    processing_fee_cents: sumOfMoney(fees),
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
  return [{ kind: "payment", value }];
}
