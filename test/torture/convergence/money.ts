/** Commands about payments and refunds. */
import fc from "fast-check";
import type { PaymentJson, PaymentStatus, RefundJson } from "../../../src/simulator/objects.js";
import { milliseconds } from "../../../src/simulator/wire-time.js";
import { command, nth, oneOf } from "./command.js";
import { places } from "./salon.js";
import type { StoryWorld } from "./world.js";

/** The number of a person. Null: nobody. */
const who = fc.option(fc.nat(6), { nil: null, freq: 3 });

const pay = command(
  {
    who,
    place: oneOf(...places),
    amount: oneOf(4_000, 0, 2_599),
    currency: oneOf("USD", "USD", "USD", "CAD"),
    status: oneOf<PaymentStatus>("COMPLETED", "COMPLETED", "APPROVED", "APPROVED", "FAILED"),
    source: oneOf("CARD", "CASH"),
  },
  (world, { who, place, amount, currency, status, source }) => {
    const id = `p${world.truth.payments.size + 1}`;
    const person = who === null ? undefined : world.person(who);
    const time = milliseconds(world.now);
    world.ledger.putPayment({
      id,
      created_at: time,
      updated_at: time,
      amount_money: { amount, currency },
      total_money: { amount, currency },
      status,
      source_type: source,
      location_id: place,
      order_id: `order-of-${id}`,
      ...(person !== undefined && { customer_id: person }),
      application_details: { square_product: "APPOINTMENTS", application_id: "sq0ids-stories" },
      receipt_number: id,
      version_token: "0",
    });
    return `pay ${id} of ${amount} ${currency} for ${person ?? "nobody"} at ${place}, ${status}`;
  },
);

function revise(
  world: StoryWorld,
  standing: PaymentJson,
  change: Partial<PaymentJson>,
  { sameInstant = false } = {},
): void {
  const later = milliseconds(Math.max(world.now, Date.parse(standing.updated_at) + 1));
  const updated_at = sameInstant ? standing.updated_at : later;
  const version_token = String(Number(standing.version_token) + 1);
  world.ledger.putPayment({ ...standing, ...change, updated_at, version_token });
}

const capture = command(
  { nth, tip: oneOf(0, 700), canceled: oneOf(false, false, true), sameInstant: fc.boolean() },
  (world, { nth, tip, canceled, sameInstant }) => {
    const payment = world.nth(world.truth.payments, nth, ({ status }) => status === "APPROVED");
    if (!payment) return undefined;
    const { amount, currency } = payment.amount_money;
    const captured = {
      status: "COMPLETED",
      tip_money: { amount: tip, currency },
      total_money: { amount: amount + tip, currency },
    } as const;
    revise(world, payment, canceled ? { status: "CANCELED" } : captured, { sameInstant });
    const what = canceled ? "canceled" : `captured with a tip of ${tip}`;
    return `${payment.id} is ${what}${sameInstant ? ", its updated_at unchanged" : ""}`;
  },
);

const recognize = command({ nth, who: fc.nat(6) }, (world, { nth, who }) => {
  const payment = world.nth(world.truth.payments, nth);
  if (!payment) return undefined;
  revise(world, payment, { customer_id: world.person(who) });
  return `${payment.id} gains ${world.person(who)}`;
});

const charge = command({ nth, fee: oneOf(114, -20) }, (world, { nth, fee }) => {
  const payment = world.nth(world.truth.payments, nth);
  if (!payment) return undefined;
  const { processing_fee = [], amount_money } = payment;
  const next = {
    effective_at: milliseconds(world.now),
    type: processing_fee.length === 0 ? ("INITIAL" as const) : ("ADJUSTMENT" as const),
    amount_money: { ...amount_money, amount: fee },
  };
  revise(world, payment, { processing_fee: [...processing_fee, next] });
  return `${payment.id} is charged a fee of ${fee}`;
});

const giveBack = command(
  {
    nth,
    amount: oneOf(1_000, 1),
    done: fc.boolean(),
    linked: oneOf(true, true, true, false),
    told: fc.boolean(),
  },
  (world, { nth, amount, done, linked, told }) => {
    const payment = world.nth(world.truth.payments, nth, ({ status }) => status === "COMPLETED");
    if (!payment) return undefined;
    const id = `r${world.truth.refunds.size + 1}`;
    const time = milliseconds(world.now);
    const money = { ...payment.amount_money, amount };
    world.ledger.putRefund({
      id,
      status: done ? "COMPLETED" : "PENDING",
      location_id: payment.location_id,
      ...(linked ? { payment_id: payment.id } : { unlinked: true }),
      amount_money: money,
      order_id: `order-of-${id}`,
      reason: "Returned",
      created_at: time,
      updated_at: time,
      version: 1,
    });
    const before = payment.refunded_money?.amount ?? 0;
    if (told) revise(world, payment, { refunded_money: { ...money, amount: before + amount } });
    const link = linked ? "" : ", not linked to it";
    return `refund ${id}: ${amount} of ${payment.id}${link}, ${done ? "COMPLETED" : "PENDING"}`;
  },
);

const settle = command(
  { nth, status: oneOf<RefundJson["status"]>("COMPLETED", "FAILED", "REJECTED") },
  (world, { nth, status }) => {
    const refund = world.nth(world.truth.refunds, nth, (one) => one.status === "PENDING");
    if (!refund) return undefined;
    const updated_at = milliseconds(Math.max(world.now, Date.parse(refund.updated_at) + 1));
    world.ledger.putRefund({ ...refund, status, updated_at, version: refund.version + 1 });
    return `refund ${refund.id} becomes ${status}`;
  },
);

const order = command({ nth }, (world, { nth }) => {
  const payment = world.nth(world.truth.payments, nth);
  if (!payment) return undefined;
  const known = world.truth.orders.get(payment.order_id);
  world.ledger.putOrder(
    {
      id: payment.order_id,
      location_id: payment.location_id,
      state: "COMPLETED",
      version: (known?.version ?? 0) + 1,
      created_at: payment.created_at,
      updated_at: milliseconds(world.now),
      tenders: [{ id: payment.id, payment_id: payment.id }],
    },
    true,
  );
  return `the order that ${payment.id} settled is told`;
});

export const moneyCommands = [
  { weight: 8, arbitrary: pay.arbitrary },
  { weight: 4, arbitrary: capture.arbitrary },
  { weight: 3, arbitrary: recognize.arbitrary },
  { weight: 2, arbitrary: charge.arbitrary },
  { weight: 4, arbitrary: giveBack.arbitrary },
  { weight: 2, arbitrary: settle.arbitrary },
  { weight: 1, arbitrary: order.arbitrary },
];
