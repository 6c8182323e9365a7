import { expect, test } from "vitest";
import { type KnownRecovery, type MergeEdge, resolveAliases } from "../../src/facts/resolve-aliases.js";
import { Random } from "../../src/simulator/random.js";
import type { Instant } from "../../src/square/types.js";

const ids = ["a", "b", "c", "d", "e"];
const instant = (day: number) => `2026-05-0${day}T00:00:00.000000Z` as Instant;

/** Contradictory evidence: any edges, any versions, any times. */
function randomEvidence(random: Random): { edges: MergeEdge[]; recoveries: KnownRecovery[] } {
  const edges = ids.flatMap((from_customer_id) =>
    ids
      .filter((to_customer_id) => to_customer_id !== from_customer_id && random.chance(0.5))
      .map((to_customer_id) => ({
        from_customer_id,
        to_customer_id,
        source_version: random.chance(0.5) ? BigInt(random.int(1, 4)) : null,
        merged_at: random.chance(0.5) ? instant(random.int(1, 4)) : null,
        ended_at: random.chance(0.3) ? instant(random.int(1, 4)) : null,
        announced_at: instant(random.int(1, 4)),
      })),
  );
  const recoveries = ids
    .filter(() => random.chance(0.2))
    .map((square_customer_id) => ({
      square_customer_id,
      recovered_version: random.chance(0.8) ? BigInt(random.int(1, 4)) : null,
      recovered_at: instant(random.int(1, 4)),
      unversioned_at: random.chance(0.3) ? instant(random.int(1, 4)) : null,
    }));
  return { edges, recoveries };
}

test("the envelope's time decides nothing", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const { edges, recoveries } = randomEvidence(random);
    const targetsOf = (evidence: readonly MergeEdge[]) => {
      const { aliases, refused } = resolveAliases(evidence, recoveries);
      return [aliases, refused].map((list) =>
        list.map(({ from_customer_id, to_customer_id }) => [from_customer_id, to_customer_id]),
      );
    };
    const announcedOtherwise = edges.map((edge) => ({ ...edge, announced_at: instant(random.int(1, 4)) }));
    expect(targetsOf(announcedOtherwise), `seed ${seed}`).toEqual(targetsOf(edges));
  }
});

test("the order of the evidence decides nothing, and every alias names the last survivor", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed);
    const { edges, recoveries } = randomEvidence(random);
    const expected = resolveAliases(edges, recoveries);
    for (let time = 0; time < 20; time++) {
      expect(
        resolveAliases(random.shuffle([...edges]), random.shuffle([...recoveries])),
        `seed ${seed}`,
      ).toEqual(expected);
    }
    const merged = new Set(expected.aliases.map((alias) => alias.from_customer_id));
    expect(merged.size, `seed ${seed}`).toBe(expected.aliases.length);
    const unfinished = expected.aliases.filter((alias) => merged.has(alias.to_customer_id));
    expect(unfinished, `seed ${seed}`).toEqual([]);
  }
});
