import type { Fact } from "../src/facts/types.js";
import { toNanoseconds } from "../src/square/timestamp.js";
import type { Instant } from "../src/square/types.js";
import { factsOfLive, profileOf, recoveryOf, tombstone } from "./customer.js";

/**
 * What Square's answer to a profile's id means where it is not simply the profile: what the events would have said that
 * were missed, as far as the answer tells it.
 */

/** A profile as it is known here. */
export interface KnownProfile {
  readonly customer_id: string;
  /** Of the live profile stored here, its version, which some copies lack, and its order key; NULL when there is none. */
  readonly version: bigint | null;
  readonly order_key: string | null;
  /** Who counts as its survivor here; NULL when it does not count as merged. */
  readonly survivor: string | null;
}

/** Square does not find the profile. Nobody says that it was deleted, and so this is an absence and no tombstone. */
export function factsOfAbsentProfile({ customer_id, order_key }: KnownProfile, asked_at: Instant): Fact[] {
  if (order_key === null) return [];
  return [{ kind: "absence", value: { square_customer_id: customer_id, known_key: order_key, asked_at } }];
}

/**
 * The id answers another profile: it was merged. Where that is another survivor than is known here, merges were undone and
 * others made, nobody knows when: what Square answers now is the newest.
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
  // Right after the last copy that is known here, which a profile that was brought back outranks.
  const gone = tombstone(source.customer_id, source.version, toNanoseconds(askedAt));
  return [...facts, { kind: "customer", value: gone }];
}

/**
 * A profile that counts as merged answers by its own id: it lives, whatever merges were told of it. They ended an earlier
 * version of it.
 *
 * @param object the profile in wire shape
 * @param survivorIds of the merges of which no event told the version that they ended
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
