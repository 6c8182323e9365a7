import { orderKey } from "../src/facts/order-key.js";
import type { Fact } from "../src/facts/types.js";
import { parseRefund } from "../src/square/schemas/refund.js";
import { toMicroseconds } from "../src/square/timestamp.js";
import type { JsonObject } from "../src/square/types.js";
import { amountOf, currencyOf } from "./amounts.js";
import type { Handler } from "./handler.js";

export const refund: Handler = {
  eventTypes: ["refund.created", "refund.updated"],
  interpret: ({ data }) => factsOfRefund(data.object?.refund),
};

const TERMINAL: ReadonlySet<string> = new Set(["COMPLETED", "REJECTED", "FAILED"]);

/**
 * A refund names its payment and never a customer. It may arrive before its payment. Webhooks carry an undocumented
 * `version` that the API omits. Both kinds of copies must be comparable, so `updated_at` orders refunds.
 *
 * @param object a refund (`PaymentRefund`) in wire shape, from a webhook or the API
 * @throws {InvalidPayload}
 */
export function factsOfRefund(object: unknown): Fact[] {
  const refund = parseRefund(object);
  const raw = object as JsonObject;
  const amount = amountOf(refund.amount_money) ?? 0n;
  const value = {
    refund_id: refund.id,
    payment_id: refund.payment_id,
    status: refund.status,
    location_id: refund.location_id,
    amount_cents: amount,
    currency: currencyOf("refund.amount_money", refund.amount_money),
    created_at: refund.created_at,
    updated_at: toMicroseconds(refund.updated_at),
    raw,
    order_key: orderKey({
      updatedAt: refund.updated_at,
      terminal: TERMINAL.has(refund.status),
      refundedAmount: amount,
      object: raw,
    }),
  };
  return [{ kind: "refund", value }];
}
