import type pg from "pg";
import { inTransaction } from "../database/transaction.js";
import {
  type ReferralProfile,
  type ReferralReward,
  type WrittenReferrals,
  writeReferralProfiles,
  writeReferralRewards,
} from "../facts/referrals.js";
import { type RowEnd, recomputeAndCompare } from "./customer.js";

/** Referral profiles, at most one for each customer, or rewards, at most one under each id. */
export type Referrals =
  | { readonly kind: "profiles"; readonly rows: readonly ReferralProfile[] }
  | { readonly kind: "rewards"; readonly rows: readonly ReferralReward[] };

export interface PutReferrals extends Pick<WrittenReferrals, "created" | "changed" | "unchanged"> {
  /** Every affected customer with a row before or after: whose row is different now, and in which columns. */
  readonly customers: readonly RowEnd[];
}

/**
 * Stores these referrals and recomputes the affected customers, in one transaction: those of the profiles, or the
 * referrers of the rewards and of what was stored under their ids. A merged id affects its survivor.
 */
export async function putReferrals(
  pool: pg.Pool,
  organizationId: string,
  referrals: Referrals,
  now: Date,
): Promise<PutReferrals> {
  return inTransaction(pool, (tx) => put(tx, organizationId, referrals, now));
}

/** What `putReferrals` would do. The transaction is rolled back. */
export async function tryReferrals(
  pool: pg.Pool,
  organizationId: string,
  referrals: Referrals,
  now: Date,
): Promise<PutReferrals> {
  let tried: PutReferrals | undefined;
  const undo = new Error("undo");
  const attempt = inTransaction(pool, async (tx) => {
    tried = await put(tx, organizationId, referrals, now);
    throw undo;
  });
  const error = await attempt.catch((error: unknown) => error);
  if (error !== undo || !tried) throw error;
  return tried;
}

async function put(
  tx: pg.PoolClient,
  organizationId: string,
  referrals: Referrals,
  now: Date,
): Promise<PutReferrals> {
  const { affectedCustomerIds, ...counts } =
    referrals.kind === "profiles"
      ? await writeReferralProfiles(tx, organizationId, referrals.rows)
      : await writeReferralRewards(tx, organizationId, referrals.rows);
  const customers = await recomputeAndCompare(tx, organizationId, affectedCustomerIds, now);
  return { ...counts, customers };
}
