import type { Column } from "../column.js";
import { window } from "./instants.js";

/** A sum of money over the COMPLETED payments in the main currency. */
function moneySum(name: string, value: string, description: string): Column {
  return {
    name,
    type: "bigint",
    unit: "minor units",
    from: "payment",
    sql: `sum(${value}) filter (where main)`,
    empty: "0",
    description,
  };
}

function revenueInWindow(days: "30d" | "90d" | "365d"): Column {
  return {
    name: `revenue_last_${days}_cents`,
    type: "bigint",
    unit: "minor units",
    from: "payment",
    sql: `sum(amount_cents) filter (where main and created_at > :now - ${window[days]})`,
    empty: "0",
    clock: [`payment_leaves_${days}`],
    description: `Revenue of the last ${Number.parseInt(days, 10)} days, without tips.`,
  };
}

/** What the customer paid: COMPLETED payments in the main currency, except where an entry says otherwise. */
export const paymentColumns: readonly Column[] = [
  {
    name: "total_payments",
    type: "integer",
    unit: "count",
    from: "payment",
    sql: "count(*) filter (where main)",
    empty: "0",
    description: "COMPLETED payments in the main currency.",
  },
  {
    name: "failed_payments",
    type: "integer",
    unit: "count",
    from: "payment",
    sql: "count(*) filter (where status in ('FAILED', 'CANCELED'))",
    empty: "0",
    description: "FAILED or CANCELED payments in any currency.",
  },
  moneySum("total_revenue_cents", "amount_cents", "Lifetime revenue without tips."),
  moneySum("total_tips_cents", "tip_cents", "Lifetime tips."),
  moneySum("gross_revenue_cents", "total_cents", "Lifetime revenue with tips."),
  {
    name: "total_refunds",
    type: "integer",
    unit: "count",
    from: "refund",
    sql: "count(*)",
    empty: "0",
    description: "COMPLETED refunds of the customer's payments in the main currency.",
  },
  {
    name: "total_refunded_cents",
    type: "bigint",
    unit: "minor units",
    from: "refund",
    sql: "sum(amount_cents)",
    empty: "0",
    description: "Amount of those refunds.",
  },
  {
    name: "net_revenue_cents",
    type: "bigint",
    unit: "minor units",
    from: "row",
    required: true,
    sql: "gross_revenue_cents - total_refunded_cents",
    description: "Gross revenue less refunds.",
  },
  {
    name: "avg_ticket_cents",
    type: "bigint",
    unit: "minor units",
    from: "row",
    required: true,
    sql: "coalesce(round(total_revenue_cents::numeric / nullif(total_payments, 0)), 0)",
    description: "Mean payment without tip, rounded; 0 when there is none.",
  },
  {
    name: "max_ticket_cents",
    type: "bigint",
    unit: "minor units",
    from: "payment",
    sql: "max(amount_cents) filter (where main)",
    empty: "0",
    description: "Largest payment without tip; 0 when there is none.",
  },
  {
    name: "first_payment_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "payment",
    sql: "min(created_at) filter (where main)",
    description: "When the first payment was made.",
  },
  {
    name: "last_payment_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "payment",
    sql: "max(created_at) filter (where main)",
    description: "When the last payment was made.",
  },
  {
    name: "last_payment_cents",
    type: "bigint",
    unit: "minor units",
    from: "last_payment",
    sql: "max(amount_cents)",
    description:
      "The last payment without tip, in the order created_at, payment_id; NULL when there is none.",
  },
  moneySum("total_processing_fees_cents", "processing_fee_cents", "Processing fees Square kept."),
  {
    name: "tip_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "row",
    sql: "round(total_tips_cents::numeric / nullif(total_revenue_cents, 0), 4)",
    description: "Tips over revenue.",
  },
  {
    name: "revenue_per_visit_cents",
    type: "bigint",
    unit: "minor units",
    from: "row",
    required: true,
    sql: "coalesce(round(total_revenue_cents::numeric / nullif(total_visits, 0)), 0)",
    clock: ["visit_begins"],
    description: "Revenue over visits, rounded; 0 without visits.",
  },
  revenueInWindow("30d"),
  revenueInWindow("90d"),
  revenueInWindow("365d"),
  {
    name: "currency",
    type: "text",
    from: "row",
    sql: "main_currency",
    description:
      "Main currency: most COMPLETED payments; tie or none, the organization's; tie without it, the smallest code.",
  },
  {
    name: "other_currency_payments",
    type: "integer",
    unit: "count",
    from: "payment",
    sql: "count(*) filter (where completed and not main)",
    empty: "0",
    description: "COMPLETED payments in any other currency.",
  },
  {
    name: "preferred_payment_source",
    type: "text",
    from: "usage",
    usage: { rows: "payment", where: "main", usedAt: "created_at" },
    sql: "source_type",
    description: "Most frequent source_type: CARD, CASH, WALLET, EXTERNAL, ...",
  },
];
