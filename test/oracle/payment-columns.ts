/**
 * The columns that depend on payments and refunds and not on the clock, in the order and words of their
 * definitions.
 */
import {
  compare,
  distinct,
  greatest,
  mode,
  roundedInteger,
  roundedOrNull,
  saturated,
  smallest,
  sum,
} from "./arithmetic.js";
import type { FactTables, Row } from "./facts.js";
import { toIsoOrNull } from "./instants.js";
import type { CustomerFacts, Payment } from "./read.js";

/**
 * The currency with most COMPLETED payments. On a tie, or without payments, it is the organization's. On a tie
 * without the organization's it is the smallest code.
 */
export function mainCurrency(facts: FactTables, payments: readonly Payment[]): string {
  const completed = payments.filter((payment) => payment.status === "COMPLETED");
  const counts = distinct(completed.map((payment) => payment.currency)).map((currency) => ({
    currency,
    count: completed.filter((payment) => payment.currency === currency).length,
  }));
  const most = greatest(counts.map((entry) => entry.count));
  const leaders = counts.filter((entry) => entry.count === most).map((entry) => entry.currency);
  if (leaders.length === 0 || leaders.includes(facts.organization.currency))
    return facts.organization.currency;
  return smallest(leaders) ?? facts.organization.currency;
}

/** Payments with status COMPLETED in the customer's main currency, in the order created_at, payment_id. */
export function countedPayments(facts: FactTables, customer: CustomerFacts): Payment[] {
  const currency = mainCurrency(facts, customer.payments);
  return customer.payments
    .filter((payment) => payment.status === "COMPLETED" && payment.currency === currency)
    .sort((a, b) => compare(a.created_at, b.created_at) || compare(a.payment_id, b.payment_id));
}

/** Sum of amount_cents. */
export function revenueOf(payments: readonly Payment[]): bigint {
  return saturated(sum(payments.map((payment) => payment.amount_cents)));
}

export function paymentColumns(facts: FactTables, customer: CustomerFacts): Row {
  const currency = mainCurrency(facts, customer.payments);
  const counted = countedPayments(facts, customer);
  const completed = customer.payments.filter((payment) => payment.status === "COMPLETED");
  const failed = customer.payments.filter((p) => p.status === "FAILED" || p.status === "CANCELED");
  const refunds = customer.refunds.filter((r) => r.status === "COMPLETED" && r.currency === currency);

  const count = BigInt(counted.length);
  const revenue = revenueOf(counted);
  const tips = saturated(sum(counted.map((payment) => payment.tip_cents)));
  const gross = saturated(sum(counted.map((payment) => payment.total_cents)));
  const refunded = saturated(sum(refunds.map((refund) => refund.amount_cents)));
  const last = counted.at(-1);
  return {
    total_payments: counted.length,
    // FAILED or CANCELED, any currency
    failed_payments: failed.length,
    // sum of amount_cents (without tips), of tip_cents, of total_cents
    total_revenue_cents: revenue,
    total_tips_cents: tips,
    gross_revenue_cents: gross,
    // COMPLETED refunds of the customer's payments, main currency
    total_refunds: refunds.length,
    total_refunded_cents: refunded,
    // gross_revenue_cents - total_refunded_cents
    net_revenue_cents: saturated(gross - refunded),
    // ROUND(total_revenue_cents / total_payments), 0 when none
    avg_ticket_cents: count === 0n ? 0n : roundedInteger(revenue, count),
    // MAX(amount_cents), 0 when none
    max_ticket_cents: greatest(counted.map((payment) => payment.amount_cents)) ?? 0n,
    // in the order created_at, payment_id; amount_cents of the last, NULL when none
    first_payment_at: toIsoOrNull(counted[0]?.created_at ?? null),
    last_payment_at: toIsoOrNull(last?.created_at ?? null),
    last_payment_cents: last?.amount_cents ?? null,
    // sum of processing_fee_cents
    total_processing_fees_cents: saturated(sum(counted.map((payment) => payment.processing_fee_cents))),
    // amount_cents paid with a Square gift card
    gift_card_redeemed_cents: revenueOf(counted.filter((payment) => payment.is_gift_card)),
    // total_tips_cents / total_revenue_cents
    tip_rate: roundedOrNull(tips, revenue, 4),
    // the main currency, and the COMPLETED payments in other currencies
    currency,
    other_currency_payments: completed.length - counted.length,
    // mode of source_type over COMPLETED
    preferred_payment_source: mode(counted.map((p) => ({ value: p.source_type, at: p.created_at }))),
  };
}
