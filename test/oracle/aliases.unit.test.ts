import { describe, expect, it } from "vitest";
import { type MergeEvidence, resolveAliases } from "./aliases.js";

const told = (
  from: string,
  to: string,
  deletedVersion: bigint | null,
  mergedAt: bigint | null,
): MergeEvidence => ({
  from,
  to,
  deletedVersion,
  mergedAt,
});

describe("aliases", () => {
  it("lead to the last survivor of a chain, in any order of the merges", () => {
    const merges = [told("b", "c", 1n, null), told("a", "b", 1n, null), told("a", "b", null, 5n)];
    const expected = [
      { from_customer_id: "a", to_customer_id: "c" },
      { from_customer_id: "b", to_customer_id: "c" },
    ];
    for (const order of [merges, [...merges].reverse()]) {
      const aliases = resolveAliases(order, []).sort((x, y) =>
        x.from_customer_id < y.from_customer_id ? -1 : 1,
      );
      expect(aliases).toEqual(expected);
    }
  });

  it("end with a recovery after the merge, known by version or by time", () => {
    const recovery = { id: "a", version: 3n, recoveredAt: 9n };
    expect(resolveAliases([told("a", "c", 2n, null)], [recovery])).toEqual([]);
    expect(resolveAliases([told("a", "c", null, 5n)], [recovery])).toEqual([]);
  });

  it("stay when the merge comes after the recovery", () => {
    const recovery = { id: "a", version: 3n, recoveredAt: 9n };
    const merges = [told("a", "c", 2n, 5n), told("a", "d", 4n, 12n)];
    expect(resolveAliases(merges, [recovery])).toEqual([{ from_customer_id: "a", to_customer_id: "d" }]);
  });
});
