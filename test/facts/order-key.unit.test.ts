import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { orderKey, type Precedence } from "../../src/facts/order-key.js";
import type { ExactInstant } from "../../src/square/types.js";
import { canonicalJson } from "../../src/square/write-json.js";

const at = (seconds: string) => `2026-03-08T09:30:${seconds.padEnd(12, "0")}Z` as ExactInstant;

const copy: Precedence = {
  version: 3n,
  deleted: false,
  updatedAt: at("00.000000"),
  terminal: false,
  refundedAmount: 0n,
  object: { id: "A" },
};

/** Every field after the tested one favours the other copy. */
function expectToStand(winner: Partial<Precedence>, loser: Partial<Precedence>): void {
  expect(orderKey({ ...copy, ...winner }) > orderKey({ ...copy, ...loser })).toBe(true);
}

describe("of two copies of one object", () => {
  const later = { updatedAt: at("00.000001"), terminal: true, refundedAmount: 9n };

  it("the higher version stands, whenever it was updated", () => {
    expectToStand({ version: 4n }, { version: 3n, deleted: true, ...later });
    expectToStand({ version: 256n }, { version: 255n, ...later });
    expectToStand({ version: 2n ** 63n - 1n }, { version: 2n ** 53n, ...later });
    expectToStand({ version: 0n }, { version: -1n, ...later });
  });

  it("a deletion wins over the same version, and a higher version over the deletion", () => {
    expectToStand({ deleted: true }, { deleted: false, ...later });
    expectToStand({ version: 4n }, { deleted: true, ...later });
  });

  it("then the later update stands, to the nanosecond", () => {
    expectToStand({ updatedAt: at("00.000001") }, { terminal: true, refundedAmount: 9n });
    expectToStand({ updatedAt: at("00.000000001") }, { terminal: true, refundedAmount: 9n });
    expectToStand({ updatedAt: at("00.000001") }, { updatedAt: at("00.000000999"), terminal: true });
    expectToStand(
      { updatedAt: "1970-01-01T00:00:00.000000000Z" as ExactInstant },
      {
        updatedAt: "1969-12-31T23:59:59.999999999Z" as ExactInstant,
        terminal: true,
      },
    );
    expectToStand(
      { updatedAt: "0001-01-01T00:00:00.000000000Z" as ExactInstant },
      { updatedAt: null, terminal: true },
    );
  });

  it("then a terminal status stands over an open one", () => {
    expectToStand({ terminal: true }, { terminal: false, refundedAmount: 9n });
  });

  it("then the larger refunded amount stands", () => {
    expectToStand({ refundedAmount: 256n }, { refundedAmount: 255n });
    expectToStand({ refundedAmount: 0n }, { refundedAmount: -1n });
  });

  it("then the content decides, by the SHA-256 of its canonical JSON", () => {
    const object = { b: [1, { y: 1, x: 2 }], a: 12345678901234567890n };
    const digest = createHash("sha256").update(canonicalJson(object)).digest("hex");
    expect(orderKey({ ...copy, object }).slice(-64)).toBe(digest);
    expect(orderKey({ ...copy, object: { a: 1, b: 2 } })).toBe(orderKey({ ...copy, object: { b: 2, a: 1 } }));
    expect(orderKey({ ...copy, object: null })).not.toBe(orderKey(copy));
  });
});

it("a missing version counts as version 0", () => {
  const { version: _, ...unversioned } = copy;
  expect(orderKey(unversioned)).toBe(orderKey({ ...copy, version: 0n }));
});

it("a key has 58 bytes without nanoseconds, like keys of earlier releases, and 60 with them", () => {
  expect(orderKey(copy)).toMatch(/^[0-9a-f]{116}$/);
  expect(orderKey({ ...copy, updatedAt: at("00.000000001") })).toMatch(/^[0-9a-f]{120}$/);
  expect(
    orderKey({ ...copy, version: -(2n ** 63n), updatedAt: null, refundedAmount: 2n ** 63n - 1n }),
  ).toHaveLength(116);
});

it("a number beyond 64 bits is refused, not wrapped", () => {
  expect(() => orderKey({ ...copy, version: 2n ** 63n })).toThrow(RangeError);
  expect(() => orderKey({ ...copy, refundedAmount: -(2n ** 63n) - 1n })).toThrow(RangeError);
});

describe("any copies sort by their keys as by the rule, field by field", () => {
  const random = mulberry32(20260308);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const anyCopy = (): Precedence => ({
    version: pick([-1n, 0n, 1n, 255n, 256n, 2n ** 62n]),
    deleted: pick([false, true]),
    updatedAt: pick([
      null,
      at("00."),
      at("00.000000001"),
      at("00.000000256"),
      at("00.000001"),
      at("59.999999999"),
    ]),
    terminal: pick([false, true]),
    refundedAmount: pick([-5n, 0n, 1n, 65536n]),
    object: pick([{ id: "A" }, { id: "A", note: "x" }, null]),
  });

  it("in 5,000 random pairs", () => {
    for (let round = 0; round < 5000; round++) {
      const [a, b] = [anyCopy(), anyCopy()];
      expect(Math.sign(compareText(orderKey(a), orderKey(b)))).toBe(compareByRule(a, b));
    }
  });

  it("and as bytes, which is how Postgres compares them", () => {
    const keys = Array.from({ length: 500 }, () => orderKey(anyCopy()));
    const asText = [...keys].sort();
    const asBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a, "hex"), Buffer.from(b, "hex")));
    expect(asBytes).toEqual(asText);
  });
});

/** The rule, written again field by field. */
function compareByRule(a: Precedence, b: Precedence): number {
  const fields = [
    compare(a.version ?? 0n, b.version ?? 0n),
    compare(Number(a.deleted), Number(b.deleted)),
    compareText(a.updatedAt ?? "", b.updatedAt ?? ""),
    compare(Number(a.terminal), Number(b.terminal)),
    compare(a.refundedAmount ?? 0n, b.refundedAmount ?? 0n),
    compareText(sha256(a), sha256(b)),
  ];
  return fields.find((field) => field !== 0) ?? 0;
}

function sha256({ object }: Precedence): string {
  return createHash("sha256").update(canonicalJson(object)).digest("hex");
}

function compare(a: bigint | number, b: bigint | number): number {
  return a < b ? -1 : Number(a > b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** A small seeded generator, so that a failure repeats. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
