import type { Random } from "../../../src/simulator/random.js";
import { nastyTexts } from "./texts.js";

/** JSON as text, because JSON.stringify writes no duplicate keys, infinite numbers or lone surrogates. */
const literals: readonly string[] = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e3",
  "1e308",
  "1e999",
  "-1e999",
  "5e-324",
  "2147483647",
  "2147483648",
  "9007199254740991",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775809",
  "123456789012345678901234567890",
  '"0"',
  '""',
  '" "',
  "[]",
  "{}",
  "[null]",
  '{"":""}',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '{"toString":1,"valueOf":2,"toJSON":3,"length":-1,"then":4}',
  '{"a":1,"a":2,"a":3}',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\uffff"',
  '"2026-02-30T00:00:00Z"',
  '"2026-01-01T25:61:61Z"',
  '"2026-01-01"',
  '"0000-00-00T00:00:00Z"',
  '"0001-01-01T00:00:00Z"',
  '"9999-12-31T23:59:59.999999999Z"',
  '"+275760-09-13T00:00:00Z"',
  '"294276-12-31T23:59:59Z"',
  '"-000001-01-01T00:00:00Z"',
  '"1969-12-31T23:59:60Z"',
  '"infinity"',
  '"-infinity"',
  '"now"',
  '"today"',
  '"epoch"',
  '"2026-01-01T00:00:00+99:99"',
  '"Infinity"',
  '"USD"',
  '"usd"',
  '"ZZZZ"',
];

const times = literals.filter((literal) => /^"[-+\d]*\d{4}-|^"(-?infinity|now|epoch)/.test(literal));
const numbers = literals.filter((literal) => /^-?\d/.test(literal));

/** An edge value of the key's own type. It passes more checks than a value of another type. */
function edgeOf(key: string, random: Random): string | undefined {
  if (key.endsWith("_at")) return random.pick(times);
  if (/^(amount|version|duration_minutes)$/.test(key)) return random.pick(numbers);
  if (/_id$|^(id|status|currency|source)$/.test(key))
    return JSON.stringify(random.pick(nastyTexts).slice(0, 255));
  return undefined;
}

/** A random value of any type. */
export function hostileLiteral(random: Random): string {
  const kind = random.weighted({ literal: 60, text: 30, long: 4, wide: 3, deep: 3 });
  if (kind === "literal") return random.pick(literals);
  if (kind === "text") return JSON.stringify(random.pick(nastyTexts));
  if (kind === "long") return JSON.stringify("x".repeat(random.pick([255, 256, 257, 2_800, 9_000, 70_000])));
  if (kind === "wide") return wide(random);
  const depth = random.pick([60, 64, 65, 1_000, 10_000]);
  return random.chance(0.5)
    ? `${"[".repeat(depth)}${"]".repeat(depth)}`
    : `${'{"a":'.repeat(depth)}0${"}".repeat(depth)}`;
}

function wide(random: Random): string {
  const items = Array.from({ length: random.pick([100, 2_000]) }, (_, index) => index);
  return random.chance(0.5)
    ? JSON.stringify(items)
    : JSON.stringify(Object.fromEntries(items.map((index) => [`key ${index}`, index])));
}

/**
 * Replaces some values in a JSON value by hostile literals, at any depth. Sometimes it leaves out a key, doubles it
 * or adds one.
 *
 * @param rate the chance that a value is replaced
 */
export function spoil(value: unknown, random: Random, rate: number, key = ""): string {
  if (random.chance(rate)) return (random.chance(0.5) && edgeOf(key, random)) || hostileLiteral(random);
  if (Array.isArray(value)) return `[${value.map((item) => spoil(item, random, rate)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).flatMap(([key, item]) => {
    if (random.chance(rate / 2)) return [];
    const member = `${JSON.stringify(key)}:${spoil(item, random, rate, key)}`;
    return random.chance(rate / 4) ? [member, `${JSON.stringify(key)}:${hostileLiteral(random)}`] : [member];
  });
  if (random.chance(rate / 4)) members.push(`"__proto__":${hostileLiteral(random)}`);
  return `{${members.join(",")}}`;
}
