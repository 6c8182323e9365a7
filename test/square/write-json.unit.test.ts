import { describe, expect, it } from "vitest";
import { readJson } from "../../src/square/read-json.js";
import { canonicalJson, writeJson } from "../../src/square/write-json.js";

const TRICKY_TEXT = 'a"\\\n\0\u001f\u007f\u2028é😀\ud83d';

describe("writeJson", () => {
  it("writes what the native writer writes", () => {
    const value = { text: TRICKY_TEXT, list: [1, -0, 2.5, null, true, [], {}], [TRICKY_TEXT]: 1e21 };
    expect(writeJson(value)).toBe(JSON.stringify(value));
    expect(writeJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  it("writes money as digits", () => {
    expect(writeJson([{ amount_cents: 6500n, tip_cents: -0n, raw: { amount: 1 } }])).toBe(
      '[{"amount_cents":6500,"tip_cents":0,"raw":{"amount":1}}]',
    );
  });

  it("writes integers that no number holds, among everything else", () => {
    const value = { text: TRICKY_TEXT, skipped: undefined, list: [9223372036854775807n, -5n, -0, null, 1.5] };
    expect(writeJson(value)).toBe(
      `{"text":${JSON.stringify(TRICKY_TEXT)},"list":[9223372036854775807,-5,0,null,1.5]}`,
    );
  });

  it("changes nothing it is given", () => {
    const fact = Object.freeze({ amount: 1n, list: Object.freeze([2n]) });
    expect(writeJson(fact)).toBe('{"amount":1,"list":[2]}');
    expect(fact).toEqual({ amount: 1n, list: [2n] });
  });

  it("gives back what readJson reads", () => {
    const text = '{"a":[12345678901234567890,1,-2.5],"b":{"c":"\\"x\\\\"},"d":null}';
    expect(writeJson(readJson(Buffer.from(text)))).toBe(text);
  });
});

describe("canonicalJson", () => {
  it("sorts keys by code unit at every level and writes no white space", () => {
    const value = { b: { z: 1, é: 2, Z: 3, "10": 4, "9": 5 }, a: [{ d: 1, c: 2 }] };
    expect(canonicalJson(value)).toBe('{"a":[{"c":2,"d":1}],"b":{"10":4,"9":5,"Z":3,"z":1,"é":2}}');
  });

  it("gives one text to equal objects, whatever the order of their keys", () => {
    expect(canonicalJson({ a: 1, b: [true, null] })).toBe(canonicalJson({ b: [true, null], a: 1 }));
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });

  it("writes an integer alike as number and as bigint", () => {
    expect(canonicalJson({ a: 6500n, b: -0 })).toBe(canonicalJson({ a: 6500, b: 0 }));
    expect(canonicalJson(9223372036854775807n)).toBe("9223372036854775807");
  });

  it("escapes as JSON escapes", () => {
    expect(canonicalJson({ [TRICKY_TEXT]: TRICKY_TEXT })).toBe(
      JSON.stringify({ [TRICKY_TEXT]: TRICKY_TEXT }),
    );
  });
});
