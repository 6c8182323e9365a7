import type { Fact } from "../src/facts/types.js";
import { toNanoseconds } from "../src/square/timestamp.js";
import type { Instant } from "../src/square/types.js";
import { factsOfLive, profileOf, recoveryOf, tombstone } from "./customer.js";

/**
 * The facts of Square's answer to a request for a profile by its id, where the answer is not simply that profile.
 * They replace the facts of the missed events as far as the answer allows.
 */

/** The stored state of a profile. */
export interface KnownProfile {
  readonly customer_id: string;
  /** The version of the stored live profile. NULL without such a profile, and for a copy without a version. */
  readonly version: bigint | null;
  /** The order key of the stored live profile. NULL without such a profile. */
  readonly order_key: string | null;
  /** The stored survivor. NULL when the profile is not merged here. */
  readonly survivor: string | null;
}

/** Square does not find the profile. It does not say that the profile was deleted, so the fact is an absence. */
export function factsOfAbsentProfile({ customer_id, order_key }: KnownProfile, asked_at: Instant): Fact[] {
  if (order_key === null) return [];
  return [{ kind: "absence", value: { square_customer_id: customer_id, known_key: order_key, asked_at } }];
}

/**
 * Square answers with another profile: the requested one was merged into it. If the stored survivor is a different
 * one, that merge was undone and a new one made at an unknown time. The answer counts as the newest merge.
 *
 * @param object the survivor in wire shape
 * @throws {InvalidPayload}
 */
export function factsOfMergedProfile(source: KnownProfile, object: unknown, askedAt: Instant): Fact[] {
  const survivor = profileOf(object);
  const isAnother = source.survivor !== null && source.survivor !== survivor.square_customer_id;
  const made = survivor.creation_source === "MERGE" ? survivor.created_at : null;
  const value = {
    from_customer_id: source.customer_id,
    to_customer_id: survivor.square_customer_id,
    source_version: source.version,
    merged_at: isAnother ? askedAt : made,
    ended_at: source.order_key === null ? null : askedAt,
    announced_at: survivor.updated_at ?? askedAt,
  };
  const facts: Fact[] = [...factsOfLive(survivor), { kind: "merge", value }];
  if (source.order_key === null) return facts;
  // The deletion has the stored version, so a profile that is recovered later wins.
  const gone = tombstone(source.customer_id, source.version, toNanoseconds(askedAt));
  return [...facts, { kind: "customer", value: gone }];
}

/**
 * A profile that is merged here answers by its own id: it is live again. The known merges ended an earlier version.
 *
 * @param object the profile in wire shape
 * @param survivorIds the survivors of merges without a known source version
 * @throws {InvalidPayload}
 */
export function factsOfUnmergedProfile(
  object: unknown,
  survivorIds: readonly string[],
  askedAt: Instant,
): Fact[] {
  const profile = profileOf(object);
  const recovery = recoveryOf(profile, askedAt);
  const ended = survivorIds.map((to_customer_id): Fact => {
    const source_version = profile.version === null ? null : profile.version - 1n;
    const edge = { from_customer_id: profile.square_customer_id, to_customer_id, source_version };
    return {
      kind: "merge",
      value: { ...edge, merged_at: null, ended_at: null, announced_at: recovery.recovered_at },
    };
  });
  return [...factsOfLive(profile), { kind: "recovery", value: recovery }, ...ended];
}
