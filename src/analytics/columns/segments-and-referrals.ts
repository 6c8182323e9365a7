import type { Column } from "../column.js";
import { segmentAt } from "../rules.js";

/** Columns over referrals, and the customer's segment and type. */
export const segmentAndReferralColumns: readonly Column[] = [
  {
    name: "is_referrer",
    type: "boolean",
    from: "referral",
    where: "activated_as_referrer",
    aggregate: "any",
    description: "Whether the customer was activated as a referrer.",
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
    description: "The referral code that the customer used.",
  },
  {
    name: "total_referrals",
    type: "integer",
    unit: "count",
    from: "reward",
    where: "status <> 'VOID'",
    aggregate: "count distinct",
    value: "referred_customer_id",
    description: "Number of different customers whom this customer referred. A VOID reward does not count.",
  },
  {
    name: "total_rewards_cents",
    type: "bigint",
    unit: "minor units",
    from: "reward",
    where: "status = 'PAID'",
    aggregate: "sum",
    value: "reward_cents",
    description: "Sum of the PAID rewards. At most 2^63 - 1.",
  },
  {
    name: "customer_segment",
    type: "text",
    from: "columns",
    inputs: ["first_visit_at", "last_visit_at"],
    required: true,
    formula: segmentAt(":now"),
    clock: ["visit_begins", "segment_ends"],
    description:
      "First match: NEVER_VISITED without a visit; NEW less than 30 days after the first visit; ACTIVE less than 42 days after the last visit; AT_RISK less than 90 days after it; LOST. The organization's settings can change the days.",
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
      "First match: SERVICE_CLIENT with an ACCEPTED booking; RETAIL with a payment; CANCELLED_ONLY with a booking that is not PENDING; POTENTIAL.",
  },
];
