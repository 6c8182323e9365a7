import { describe, expect, it } from "vitest";
import { MAX_JSON_DEPTH, readJson, UnreadableJson } from "../../src/square/read-json.js";

const read = (text: string) => readJson(Buffer.from(text, "utf8"));

function codeOf(bytes: Buffer): string {
  try {
    readJson(bytes);
  } catch (error) {
    if (error instanceof UnreadableJson) return error.code;
    throw error;
  }
  throw new Error("The bytes were read.");
}

describe("ordinary JSON", () => {
  it.each([
    "null",
    "true",
    '"text"',
    "[]",
    "{}",
    "-0.5",
    "1e5",
    '{"a":[1,2.5,-3],"b":{"c":"\\"{[\\\\"},"é":"😀"}',
    ` { "a" : [ 1 , 2 ] } \n`,
  ])("reads as the native parser reads it: %s", (text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it("keeps the last of duplicate keys", () => {
    expect(read('{"a":1,"a":12345678901234567890}')).toEqual({ a: 12345678901234567890n });
    expect(read('{"a":12345678901234567890,"a":1}')).toEqual({ a: 1 });
  });
});

describe("an integer", () => {
  it.each([
    ["9007199254740991", 9007199254740991],
    ["-9007199254740991", -9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -9223372036854775808n],
    ["123456789012345678901234567890", 123456789012345678901234567890n],
  ])("loses no digit: %s", (text, expected) => {
    expect(read(text)).toBe(expected);
    expect(read(`{"a":{"b":[0,${text}]}}`)).toEqual({ a: { b: [0, expected] } });
  });

  it("with a fraction or an exponent is a number, as JSON has it", () => {
    expect(read("[1234567890123456.5, 1e20]")).toEqual([1234567890123456.5, 1e20]);
  });

  it("inside a string stays a string, whatever the string looks like", () => {
    const text =
      '{"12345678901234567890":"12345678901234567890","b":"\\"12345678901234567890","c":12345678901234567890}';
    expect(read(text)).toEqual({
      "12345678901234567890": "12345678901234567890",
      b: '"12345678901234567890',
      c: 12345678901234567890n,
    });
  });

  it("keeps its neighbours, be they of several bytes", () => {
    expect(read('["é😀",12345678901234567890,"ü",-12345678901234567891,"漢"]')).toEqual([
      "é😀",
      12345678901234567890n,
      "ü",
      -12345678901234567891n,
      "漢",
    ]);
  });
});

describe("text that Postgres refuses", () => {
  it("has NUL replaced, in values and in keys", () => {
    expect(read('{"a\\u0000b":["\\u0000"]}')).toEqual({ "a\uFFFDb": ["\uFFFD"] });
  });

  it("has half a surrogate pair replaced, and whole pairs kept", () => {
    expect(read('{"\\uD83D":"\\uDE00 \\ud83d\\ude00"}')).toEqual({ "\uFFFD": "\uFFFD 😀" });
  });

  it("is not mistaken for an escaped backslash", () => {
    expect(read('"\\\\u0000"')).toBe("\\u0000");
  });
});

describe("a key __proto__", () => {
  it.each([
    '{"__proto__":{"admin":true},"a":1}',
    '{"\\u005f_proto__":{"admin":true},"a":1}',
    '{"__proto__":{"admin":12345678901234567890},"a":1}',
  ])("sets no prototype and is dropped: %s", (text) => {
    const value = read(text) as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["a"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value.admin).toBeUndefined();
  });
});

describe("bytes are refused with a code", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  it.each([
    ["invalid_utf8", Buffer.from([0x22, 0xff, 0x22])],
    ["invalid_utf8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["byte_order_mark", Buffer.from("\uFEFF{}")],
    ["invalid_json", Buffer.alloc(0)],
    ["invalid_json", Buffer.from('{"a":')],
    ["invalid_json", Buffer.from('{"a":1}{')],
    ["invalid_json", Buffer.from('"open')],
    ["invalid_json", Buffer.from('"\\')],
    ["invalid_json", Buffer.from("{12345678901234567890:1}")],
    ["invalid_json", Buffer.from("[012345678901234567890]")],
    ["invalid_json", Buffer.from("[- 12345678901234567890]")],
    ["invalid_json", Buffer.from("[NaN]")],
    ["too_deep", Buffer.from(nested(MAX_JSON_DEPTH + 1))],
    ["too_deep", Buffer.from("[".repeat(1_000_000))],
    ["too_deep", Buffer.from('{"a":'.repeat(100_000))],
    ["number_out_of_range", Buffer.from("[1e400]")],
    ["number_out_of_range", Buffer.from("[-1E+309]")],
    ["number_out_of_range", Buffer.from(`[${"9".repeat(400)}]`)],
  ] as const)("%s (%#)", (code, bytes) => {
    expect(codeOf(bytes)).toBe(code);
  });

  it("but nesting up to the limit and brackets in strings are read", () => {
    expect(read(nested(MAX_JSON_DEPTH))).toBeDefined();
    expect(read(`"${"[".repeat(1000)}"`)).toBe("[".repeat(1000));
  });

  it("and the message holds nothing of the body", () => {
    expect(() => read('{"email":"a@example.com",}')).toThrow(/^The body is not JSON\.$/);
  });
});
