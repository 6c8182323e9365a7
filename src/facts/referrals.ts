import type pg from "pg";
import { query, type Statement } from "../database/query.js";
import { RetryTransaction } from "../database/transaction.js";
import { writeJson } from "../square/write-json.js";
import { lockCustomers, lockObjects } from "./locks.js";

/**
 * Referral profiles and rewards. Square does not have them. The seller's own programme stores them. They are kept
 * under the given ids. A merge moves nothing, because a survivor's row counts those of its merged ids.
 */

export interface ReferralProfile {
  readonly square_customer_id: string;
  readonly referral_code: string | null;
  readonly used_referral_code: string | null;
  readonly activated_as_referrer: boolean;
  /** RFC 3339 in UTC, to the microsecond. */
  readonly activated_at: string | null;
}

export interface ReferralReward {
  readonly reward_id: string;
  readonly referrer_customer_id: string;
  readonly referred_customer_id: string;
  readonly status: "PAID" | "PENDING" | "VOID";
  readonly reward_cents: bigint;
}

export interface WrittenReferrals {
  /** How many of the given rows were new. */
  readonly created: number;
  /** How many existed and are different now. */
  readonly changed: number;
  /** How many existed with the same values. */
  readonly unchanged: number;
  /** The customers whose analytics row these referrals may change. All of them are locked. */
  readonly affectedCustomerIds: readonly string[];
}

// Index: primary key. `xmax` is 0 in a row that was inserted.
const upsertProfilesStatement = {
  name: "upsert_referral_profiles",
  text: `
    insert into referral_profiles as stored
      (organization_id, square_customer_id, referral_code, used_referral_code, activated_as_referrer, activated_at)
    select $1, square_customer_id, referral_code, used_referral_code, activated_as_referrer, activated_at
    from jsonb_to_recordset($2::jsonb) as p (
      square_customer_id text, referral_code text, used_referral_code text, activated_as_referrer boolean,
      activated_at timestamptz
    )
    on conflict (organization_id, square_customer_id) do update set
      referral_code = excluded.referral_code, used_referral_code = excluded.used_referral_code,
      activated_as_referrer = excluded.activated_as_referrer, activated_at = excluded.activated_at
    where (stored.referral_code, stored.used_referral_code, stored.activated_as_referrer, stored.activated_at)
      is distinct from (excluded.referral_code, excluded.used_referral_code, excluded.activated_as_referrer,
        excluded.activated_at)
    returning xmax = 0 as inserted`,
};

// Index: primary key.
const upsertRewardsStatement = {
  name: "upsert_referral_rewards",
  text: `
    insert into referral_rewards as stored
      (organization_id, reward_id, referrer_customer_id, referred_customer_id, status, reward_cents)
    select $1, reward_id, referrer_customer_id, referred_customer_id, status, reward_cents
    from jsonb_to_recordset($2::jsonb) as r (
      reward_id text, referrer_customer_id text, referred_customer_id text, status text, reward_cents bigint
    )
    on conflict (organization_id, reward_id) do update set
      referrer_customer_id = excluded.referrer_customer_id, referred_customer_id = excluded.referred_customer_id,
      status = excluded.status, reward_cents = excluded.reward_cents
    where (stored.referrer_customer_id, stored.referred_customer_id, stored.status, stored.reward_cents)
      is distinct from (excluded.referrer_customer_id, excluded.referred_customer_id, excluded.status,
        excluded.reward_cents)
    returning xmax = 0 as inserted`,
};

/**
 * Stores these profiles, one for each customer. The customer's lock guards the profile too.
 *
 * @throws {RetryTransaction} another transaction committed a merge while this one waited for a lock
 */
export async function writeReferralProfiles(
  tx: pg.PoolClient,
  organizationId: string,
  profiles: readonly ReferralProfile[],
): Promise<WrittenReferrals> {
  const affectedCustomerIds = await lockReferrers(
    tx,
    organizationId,
    profiles.map((profile) => profile.square_customer_id),
  );
  return upsert(tx, organizationId, upsertProfilesStatement, profiles, affectedCustomerIds);
}

// Index: primary key.
const storedReferrersStatement = {
  name: "stored_referrers",
  text: `
    select referrer_customer_id from referral_rewards
    where organization_id = $1 and reward_id = any ($2::text[])`,
};

/**
 * Stores these rewards, one for each id. It affects their referrers and the stored rewards' referrers.
 *
 * @throws {RetryTransaction} another transaction committed a merge while this one waited for a lock
 */
export async function writeReferralRewards(
  tx: pg.PoolClient,
  organizationId: string,
  rewards: readonly ReferralReward[],
): Promise<WrittenReferrals> {
  const ids = rewards.map((reward) => reward.reward_id);
  const objects = ids.map((id) => `referral_reward/${id}`);
  await lockObjects(tx, organizationId, objects);
  const stored = await query<{ referrer_customer_id: string }>(tx, storedReferrersStatement, [
    organizationId,
    ids,
  ]);
  const referrers = [...rewards, ...stored.rows].map((reward) => reward.referrer_customer_id);
  const affectedCustomerIds = await lockReferrers(tx, organizationId, referrers);
  return upsert(tx, organizationId, upsertRewardsStatement, rewards, affectedCustomerIds);
}

async function upsert(
  tx: pg.PoolClient,
  organizationId: string,
  statement: Statement,
  rows: readonly (ReferralProfile | ReferralReward)[],
  affectedCustomerIds: readonly string[],
): Promise<WrittenReferrals> {
  const written = await query<{ inserted: boolean }>(tx, statement, [organizationId, writeJson(rows)]);
  const created = written.rows.filter(({ inserted }) => inserted).length;
  const changed = written.rows.length - created;
  return { created, changed, unchanged: rows.length - created - changed, affectedCustomerIds };
}

// Index: primary key.
const survivorsStatement = {
  name: "survivors",
  text: `
    select to_customer_id from customer_aliases
    where organization_id = $1 and from_customer_id = any ($2::text[])`,
};

/** Locks these customers and their survivors. @returns all of them */
async function lockReferrers(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
): Promise<readonly string[]> {
  const locked = await lockCustomers(tx, organizationId, [...new Set(customerIds)]);
  const survivors = await query<{ to_customer_id: string }>(tx, survivorsStatement, [
    organizationId,
    [...locked],
  ]);
  if (survivors.rows.some((alias) => !locked.has(alias.to_customer_id))) {
    throw new RetryTransaction("A customer was merged while this referral waited");
  }
  return [...locked];
}
