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
  /** Of the live profile stored here; NULL when there is none. */
  readonly version: bigint | null;
  /** Who counts as its survivor here; NULL when it does not count as merged. */
  readonly survivor: string | null;
}

/**
 * The tombstone that a missed `customer.deleted` would have left. Square does not tell the version of the end: it is put
 * right after the last one known, which a recovered profile outranks.
 */
export function factsOfGoneProfile({ customer_id, version }: KnownProfile, askedAt: Instant): Fact[] {
  if (version === null) return [];
  return [{ kind: "customer", value: tombstone(customer_id, version, toNanoseconds(askedAt)) }];
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
    announced_at: survivor.updated_at ?? askedAt,
  };
  return [...factsOfLive(survivor), { kind: "merge", value }, ...factsOfGoneProfile(source, askedAt)];
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
    const source_version = profile.version - 1n;
    const edge = { from_customer_id: profile.square_customer_id, to_customer_id, source_version };
    return { kind: "merge", value: { ...edge, merged_at: null, announced_at: recovery.recovered_at } };
  });
  return [...factsOfLive(profile), { kind: "recovery", value: recovery }, ...ended];
}
