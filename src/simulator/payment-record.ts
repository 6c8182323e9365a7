import type { MoneyJson, PaymentJson, SourceType } from "./objects.js";
import { milliseconds } from "./wire-time.js";
import { DAY, type World } from "./world.js";

/**
 * Records a change of a payment. `updated_at` moves on by at least a millisecond, because it orders a payment's
 * copies.
 * @param sameInstant keeps `updated_at`, for a change within the same millisecond
 */
export function revisePayment(
  world: World,
  id: string,
  patch: Partial<PaymentJson>,
  { sameInstant = false } = {},
): void {
  const payment = world.truth.payments.get(id);
  if (!payment) return;
  const updated_at = sameInstant
    ? payment.updated_at
    : milliseconds(Math.max(world.now, Date.parse(payment.updated_at) + 1));
  world.ledger.putPayment({ ...payment, ...patch, updated_at, version_token: world.token(45) });
}

/** The `*_details` of a payment by its source, and the capabilities of an uncaptured one. */
export function sourceDetails(world: World, source: SourceType, money: MoneyJson): Partial<PaymentJson> {
  const { random } = world;
  switch (source) {
    case "CASH": {
      const change = { ...money, amount: (2_000 - (money.amount % 2_000)) % 2_000 };
      const supplied = { ...money, amount: money.amount + change.amount };
      return { cash_details: { buyer_supplied_money: supplied, change_back_money: change } };
    }
    case "EXTERNAL":
      return { external_details: { type: "OTHER_GIFT_CARD", source: "Paper gift card" } };
    case "WALLET":
      return { wallet_details: { status: "AUTHORIZED", brand: "CASH_APP" }, approved_money: money };
    case "CARD":
      return {
        approved_money: money,
        card_details: {
          status: "AUTHORIZED",
          entry_method: random.pick(["EMV", "CONTACTLESS", "KEYED", "ON_FILE"]),
          card: {
            card_brand: random.pick(["VISA", "MASTERCARD", "AMERICAN_EXPRESS"]),
            last_4: String(random.int(0, 9999)).padStart(4, "0"),
            exp_month: random.int(1, 12),
            exp_year: new Date(world.now).getUTCFullYear() + random.int(1, 4),
          },
        },
        delay_action: "CANCEL",
        delay_duration: "PT36H",
        delayed_until: milliseconds(world.now + 1.5 * DAY),
        capabilities: ["EDIT_TIP_AMOUNT", "EDIT_TIP_AMOUNT_UP", "EDIT_TIP_AMOUNT_DOWN"],
      };
  }
}

/** The details after the capture: the card is CAPTURED, and the tip cannot be edited any more. */
export function capturedDetails(payment: PaymentJson): Partial<PaymentJson> {
  return {
    ...(payment.card_details && { card_details: { ...payment.card_details, status: "CAPTURED" } }),
    ...(payment.wallet_details && { wallet_details: { ...payment.wallet_details, status: "CAPTURED" } }),
  };
}
