import type { OrderJson, PaymentJson, PaymentStatus, ProcessingFeeJson, SourceType } from "./objects.js";
import { capturedDetails, revisePayment, sourceDetails } from "./payment-record.js";
import { refund, unlinkedRefund } from "./refunds.js";
import { milliseconds } from "./wire-time.js";
import { type Client, DAY, HOUR, MINUTE, type Place, reportedId, type World } from "./world.js";

export interface Sale {
  readonly place: Place;
  /** Null for an unknown person. */
  readonly client: Client | null;
  readonly staffId: string;
  /** Minor units, without tip. */
  readonly amount: number;
  readonly product: "APPOINTMENTS" | "SQUARE_POS" | "ONLINE_STORE";
}

const methods: Record<SourceType, number> = { CARD: 74, CASH: 14, WALLET: 7, EXTERNAL: 5 };

/**
 * Makes a sale at the world's present instant: an order, a payment, and the payment's later changes (capture with
 * tip, failure and second attempt, a customer recognized later, processing fee, refunds).
 */
export function sell(world: World, sale: Sale): void {
  const { random, rates } = world;
  const source = random.weighted(methods);
  const payment = newPayment(world, sale, source);
  const tried = source === "CARD" && random.chance(rates.failedPayment);
  const kept = tried ? "FAILED" : source === "CASH" || source === "EXTERNAL" ? "COMPLETED" : "APPROVED";
  openOrder(world, payment, sale.product);
  world.ledger.putPayment({ ...payment, status: kept });
  recognizeLater(world, payment.id, sale.client);
  if (kept === "FAILED") {
    if (random.chance(0.8)) world.after(random.between(0.5, 3) * MINUTE, () => sell(world, sale));
  } else if (kept === "COMPLETED") {
    closeOrder(world, payment.id);
    planRefunds(world, payment);
  } else {
    const sameInstant = random.chance(rates.sameInstant);
    const delay = sameInstant ? 1 : random.between(0.3, 6) * MINUTE;
    world.after(delay, () => finish(world, payment.id, sameInstant));
  }
}

function newPayment(world: World, sale: Sale, source: SourceType): PaymentJson {
  const { random, rates } = world;
  const currency = random.chance(rates.otherCurrency) ? "CAD" : world.currency;
  const known = sale.client && !random.chance(rates.customerLater + rates.customerNever);
  const instant = source === "CASH" || source === "EXTERNAL";
  const tip = instant && random.chance(0.65 / 3) ? tipFor(world, sale.amount) : 0;
  const time = milliseconds(world.now);
  const id = world.paymentId();
  return {
    id,
    created_at: time,
    updated_at: time,
    amount_money: { amount: sale.amount, currency },
    ...(tip > 0 && { tip_money: { amount: tip, currency } }),
    total_money: { amount: sale.amount + tip, currency },
    status: "APPROVED",
    source_type: source,
    ...sourceDetails(world, source, { amount: sale.amount + tip, currency }),
    location_id: sale.place.id,
    order_id: world.orderId(),
    ...(known && sale.client && { customer_id: reportedId(world, sale.client) }),
    team_member_id: sale.staffId,
    application_details: { square_product: sale.product, application_id: "sq0ids-simulated" },
    receipt_number: id.slice(0, 4),
    version_token: world.token(45),
  };
}

function tipFor(world: World, amount: number): number {
  return Math.round((amount * world.random.int(8, 28)) / 100);
}

/** Captures an APPROVED payment, usually with a tip, or cancels it. */
function finish(world: World, id: string, sameInstant: boolean): void {
  const { random, rates } = world;
  const payment = world.truth.payments.get(id);
  if (!payment) return;
  const { capabilities: _spent, ...details } = payment;
  if (random.chance(rates.canceledPayment)) {
    world.ledger.putPayment(moved(world, details, "CANCELED", sameInstant));
    return;
  }
  const { amount, currency } = payment.amount_money;
  const tip = random.chance(0.65) ? tipFor(world, amount) : 0;
  const money = { amount: amount + tip, currency };
  world.ledger.putPayment({
    ...moved(world, details, "COMPLETED", sameInstant),
    ...capturedDetails(payment),
    ...(tip > 0 && { tip_money: { amount: tip, currency } }),
    total_money: money,
    approved_money: money,
  });
  closeOrder(world, id);
  world.after(random.between(1, 3) * HOUR, () => chargeFee(world, id));
  planRefunds(world, payment);
}

function moved(world: World, payment: PaymentJson, status: PaymentStatus, sameInstant: boolean): PaymentJson {
  const later = milliseconds(Math.max(world.now, Date.parse(payment.updated_at) + 1));
  const updated_at = sameInstant ? payment.updated_at : later;
  return { ...payment, status, updated_at, version_token: world.token(45) };
}

/** A payment without a customer may get one after minutes or days, by an instant profile. */
function recognizeLater(world: World, id: string, client: Client | null): void {
  const { customerLater, customerNever } = world.rates;
  const payment = world.truth.payments.get(id);
  if (!client || !payment || payment.customer_id !== undefined) return;
  if (!world.random.chance(customerLater / (customerLater + customerNever))) return;
  world.after(world.random.wait(12 * HOUR) + 2_000, () => {
    revisePayment(world, id, { customer_id: reportedId(world, client) });
  });
}

function chargeFee(world: World, id: string): void {
  const payment = world.truth.payments.get(id);
  if (!payment) return;
  const initial = feeOf(world, payment, "INITIAL", Math.round(payment.total_money.amount * 0.026) + 10);
  revisePayment(world, id, { processing_fee: [initial] });
  if (!world.random.chance(world.rates.feeAdjusted)) return;
  world.after(world.random.between(1, 5) * DAY, () => {
    const adjusted = feeOf(world, payment, "ADJUSTMENT", world.random.int(-40, 25));
    revisePayment(world, id, { processing_fee: [initial, adjusted] });
  });
}

function feeOf(
  world: World,
  payment: PaymentJson,
  type: ProcessingFeeJson["type"],
  amount: number,
): ProcessingFeeJson {
  const amount_money = { amount, currency: payment.total_money.currency };
  return { effective_at: milliseconds(world.now), type, amount_money };
}

function planRefunds(world: World, payment: PaymentJson): void {
  const { random, rates } = world;
  if (!random.chance(rates.refund)) return;
  if (random.chance(rates.unlinkedRefund)) {
    world.after(random.wait(4 * DAY), () => unlinkedRefund(world, payment));
  } else {
    world.after(random.wait(4 * DAY), () => refund(world, payment.id));
  }
}

/** Square sends events of orders made through its API, and of updates of some others. Most orders have no event. */
function openOrder(world: World, payment: PaymentJson, product: Sale["product"]): void {
  if (!world.random.chance(world.rates.orderEvents)) return;
  const order: OrderJson = {
    id: payment.order_id,
    location_id: payment.location_id,
    state: "OPEN",
    version: 1,
    created_at: payment.created_at,
    updated_at: payment.created_at,
  };
  world.ledger.putOrder(order, product !== "SQUARE_POS");
}

function closeOrder(world: World, paymentId: string): void {
  const payment = world.truth.payments.get(paymentId);
  const order = payment && world.truth.orders.get(payment.order_id);
  if (!order) return;
  const closed: OrderJson = {
    ...order,
    state: "COMPLETED",
    version: order.version + 1,
    updated_at: milliseconds(world.now),
    tenders: [{ id: paymentId, payment_id: paymentId }],
  };
  world.ledger.putOrder(closed, true);
}
