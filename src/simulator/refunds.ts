import { refundReasons } from "./names.js";
import type { MoneyJson, PaymentJson, RefundJson } from "./objects.js";
import { revisePayment } from "./payment-record.js";
import { milliseconds } from "./wire-time.js";
import { DAY, MINUTE, type World } from "./world.js";

/**
 * Refunds a part or the rest of a payment. The refund is PENDING first, then COMPLETED, FAILED or REJECTED. A cash
 * refund is COMPLETED at once. Does nothing unless the payment is COMPLETED and has a rest.
 */
export function refund(world: World, paymentId: string): void {
  const { random, rates } = world;
  const payment = world.truth.payments.get(paymentId);
  if (payment?.status !== "COMPLETED") return;
  const left = payment.total_money.amount - (world.refunded.get(paymentId) ?? 0);
  if (left <= 0) return;
  const amount = random.chance(rates.partialRefund) ? random.int(1, left) : left;
  world.refunded.set(paymentId, (world.refunded.get(paymentId) ?? 0) + amount);
  const money = { amount, currency: payment.amount_money.currency };
  const opened = openRefund(world, payment.location_id, money, {
    id: `${paymentId}_${world.token(43)}`,
    payment_id: paymentId,
  });
  if (payment.source_type === "CASH") {
    world.ledger.putRefund({ ...opened, status: "COMPLETED" });
    refundedOf(world, paymentId, opened);
  } else {
    world.ledger.putRefund(opened);
    world.after(random.between(MINUTE, 2 * DAY), () => settle(world, opened, paymentId));
  }
  if (random.chance(rates.secondRefund)) {
    world.after(random.between(MINUTE, 6 * DAY), () => refund(world, paymentId));
  }
}

/** Makes an unlinked refund. It has no payment and so no customer. */
export function unlinkedRefund(world: World, payment: PaymentJson): void {
  const money = { amount: world.random.int(100, 5_000), currency: payment.amount_money.currency };
  const opened = openRefund(world, payment.location_id, money, { id: world.paymentId(), unlinked: true });
  world.ledger.putRefund({ ...opened, status: "COMPLETED" });
}

function openRefund(
  world: World,
  location_id: string,
  amount_money: MoneyJson,
  identity: Pick<RefundJson, "id" | "payment_id" | "unlinked">,
): RefundJson {
  const time = milliseconds(world.now);
  return {
    ...identity,
    status: "PENDING",
    location_id,
    amount_money,
    order_id: world.orderId(),
    reason: world.random.pick(refundReasons),
    created_at: time,
    updated_at: time,
    version: world.random.int(1, 8),
  };
}

function settle(world: World, opened: RefundJson, paymentId: string): void {
  const { random, rates } = world;
  const settled = {
    ...opened,
    updated_at: milliseconds(Math.max(world.now, Date.parse(opened.updated_at) + 1)),
    version: opened.version + random.int(1, 3),
  };
  const { amount, currency } = opened.amount_money;
  if (random.chance(rates.refundFails)) {
    world.ledger.putRefund({ ...settled, status: random.pick(["FAILED", "REJECTED"] as const) });
    world.refunded.set(paymentId, (world.refunded.get(paymentId) ?? 0) - amount);
    return;
  }
  const fee = { amount: 0 - Math.round(amount * 0.026), currency };
  const processing_fee = [
    { effective_at: milliseconds(world.now), type: "INITIAL" as const, amount_money: fee },
  ];
  world.ledger.putRefund({ ...settled, status: "COMPLETED", processing_fee });
  refundedOf(world, paymentId, opened);
}

/** Square does not document whether the payment's event always follows a refund, so here some are missing. */
function refundedOf(world: World, paymentId: string, { id, amount_money }: RefundJson): void {
  if (!world.random.chance(world.rates.paymentFollowsRefund)) return;
  world.after(world.random.int(50, 5_000), () => {
    const payment = world.truth.payments.get(paymentId);
    const before = payment?.refunded_money?.amount ?? 0;
    revisePayment(world, paymentId, {
      refunded_money: { ...amount_money, amount: before + amount_money.amount },
      refund_ids: [...(payment?.refund_ids ?? []), id],
    });
  });
}
