/** The columns that depend on the profile, on referrals and on other columns. */
import { compare, distinct, saturated, smallest, sum } from "./arithmetic.js";
import type { Row } from "./facts.js";
import { toIsoOrNull, toMicros, toMicrosOrNull } from "./instants.js";
import type { CustomerFacts } from "./read.js";

/** Fields of the live profile. A cleared field is NULL. Without a live profile all are NULL. */
export function profileColumns(customer: CustomerFacts): Row {
  const profile = customer.liveProfile;
  return {
    given_name: profile?.given_name ?? null,
    family_name: profile?.family_name ?? null,
    company_name: profile?.company_name ?? null,
    email_address: profile?.email_address ?? null,
    phone_number: profile?.phone_number ?? null,
    birthday: profile?.birthday ?? null,
    creation_source: profile?.creation_source ?? null,
    customer_created_at: toIsoOrNull(toMicrosOrNull(profile?.created_at)),
  };
}

export function referralColumns(customer: CustomerFacts): Row {
  const profiles = [...customer.referralProfiles].sort((a, b) =>
    compare(a.square_customer_id, b.square_customer_id),
  );
  const own = profiles.find((profile) => profile.square_customer_id === customer.id);
  const firstWithSource = profiles.find((profile) => profile.used_referral_code !== null);
  const activations = distinct(profiles.map((profile) => profile.activated_at)).map(toMicros);
  const valid = customer.referralRewards.filter((reward) => reward.status !== "VOID");
  const paid = customer.referralRewards.filter((reward) => reward.status === "PAID");
  return {
    // activated_as_referrer: any
    is_referrer: profiles.some((profile) => profile.activated_as_referrer),
    // activated_at: earliest
    activated_as_referrer_at: toIsoOrNull(smallest(activations)),
    // used_referral_code: the survivor's own if set, else that of the smallest merged id having one
    referral_source: own?.used_referral_code ?? firstWithSource?.used_referral_code ?? null,
    // where the customer is the referrer: distinct referred customers not VOID; sum of PAID
    total_referrals: distinct(valid.map((reward) => reward.referred_customer_id)).length,
    total_rewards_cents: saturated(sum(paid.map((reward) => BigInt(reward.reward_cents)))),
  };
}

/** The first match counts. */
export function customerType(columns: Row): string {
  if (Number(columns.total_accepted_bookings) > 0) return "SERVICE_CLIENT";
  if (Number(columns.total_payments) > 0) return "RETAIL";
  if (Number(columns.total_bookings) > Number(columns.total_pending_bookings)) return "CANCELLED_ONLY";
  return "POTENTIAL";
}
