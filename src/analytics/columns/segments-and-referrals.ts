import type { Column } from "../column.js";
import { segmentAt } from "../rules.js";

/** Referrals, and the classes a customer falls into. */
export const standingColumns: readonly Column[] = [
  {
    name: "is_referrer",
    type: "boolean",
    from: "referral",
    where: "activated_as_referrer",
    aggregate: "any",
    description: "Activated as a referrer.",
  },
  {
    name: "activated_as_referrer_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "referral",
    aggregate: "min",
    value: "activated_at",
    description: "When the customer was activated as a referrer.",
  },
  {
    name: "referral_source",
    type: "text",
    from: "referral",
    where: "used_referral_code is not null",
    aggregate: "first",
    value: "used_referral_code",
    description: "The referral code the customer came with.",
  },
  {
    name: "total_referrals",
    type: "integer",
    unit: "count",
    from: "reward",
    where: "status <> 'VOID'",
    aggregate: "count distinct",
    value: "referred_customer_id",
    description: "Different customers referred whose reward is not VOID.",
  },
  {
    name: "total_rewards_cents",
    type: "bigint",
    unit: "minor units",
    from: "reward",
    where: "status = 'PAID'",
    aggregate: "sum",
    value: "reward_cents",
    description: "Rewards PAID. Stops at 2^63 - 1.",
  },
  {
    name: "customer_segment",
    type: "text",
    from: "columns",
    inputs: ["first_visit_at", "last_visit_at"],
    required: true,
    formula: segmentAt(":now"),
    clock: ["visit_begins", "segment_ends"],
    description: "NEVER_VISITED, NEW, ACTIVE, AT_RISK or LOST, by the days in the organization's settings.",
  },
  {
    name: "customer_type",
    type: "text",
    from: "columns",
    inputs: ["total_accepted_bookings", "total_payments", "total_bookings", "total_pending_bookings"],
    required: true,
    formula: `case when total_accepted_bookings > 0 then 'SERVICE_CLIENT'
      when total_payments > 0 then 'RETAIL'
      when total_bookings > total_pending_bookings then 'CANCELLED_ONLY'
      else 'POTENTIAL' end`,
    description:
      "SERVICE_CLIENT (an ACCEPTED booking), RETAIL (a payment), CANCELLED_ONLY (a booking that is not PENDING) or POTENTIAL.",
  },
];
