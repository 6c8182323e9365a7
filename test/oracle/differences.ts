/**
 * Describes in readable lines where rows differ from the expected ones. Other representations are accepted: a Date
 * for its ISO text, 1.5 for "1.50", a number for a bigint.
 */
import type { Row } from "./facts.js";
import { toMicros } from "./instants.js";

/**
 * One line for each column of `expected` in which `actual` differs. No line when the row is right. Columns that only
 * `actual` has are ignored.
 */
export function explainDifferences(expected: Row, actual: Row | null | undefined): string[] {
  if (actual === null || actual === undefined) return ["row: expected one, actual none"];
  return Object.entries(expected)
    .filter(([column, value]) => !(column in actual) || !agrees(column, value, actual[column]))
    .map(([column, value]) => {
      const found = column in actual ? show(actual[column]) : "no such column";
      return `${column}: expected ${show(value)}, actual ${found}`;
    });
}

/**
 * Compares whole tables. Each missing row, surplus row and differing column gives a line that begins with the row's
 * key. `keys` names the columns that identify a row.
 */
export function explainTableDifferences(
  expected: Iterable<Row>,
  actual: Iterable<Row>,
  keys: readonly string[],
): string[] {
  const keyOf = (row: Row) =>
    keys.map((key) => (key === "date" ? dateText(row[key]) : String(row[key]))).join(" ");
  const wanted = new Map([...expected].map((row) => [keyOf(row), row]));
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const row of actual) {
    const key = keyOf(row);
    const wish = wanted.get(key);
    if (seen.has(key)) lines.push(`${key}: duplicate row`);
    else if (wish === undefined) lines.push(`${key}: row not expected`);
    else lines.push(...explainDifferences(wish, row).map((line) => `${key}: ${line}`));
    seen.add(key);
  }
  for (const key of wanted.keys()) if (!seen.has(key)) lines.push(`${key}: row missing`);
  return lines;
}

function agrees(column: string, expected: unknown, actual: unknown): boolean {
  if (expected === null || actual === null) return expected === actual;
  if (expected === undefined || actual === undefined) return false;
  if (column.endsWith("_at")) return sameInstant(expected, actual);
  if (column === "date") return dateText(expected) === dateText(actual);
  if (isNumeric(column, expected)) return decimalText(expected) === decimalText(actual);
  return canonical(expected) === canonical(actual);
}

/** A Date has no microseconds, so the expected instant is cut to milliseconds for the comparison. */
function sameInstant(expected: unknown, actual: unknown): boolean {
  const want = toMicros(expected as Date | string);
  const have = toMicros(actual as Date | string);
  return actual instanceof Date ? want / 1000n === have / 1000n : want === have;
}

function isNumeric(column: string, expected: unknown): boolean {
  if (typeof expected === "number" || typeof expected === "bigint") return true;
  return /_rate$|^avg_|_cents$/.test(column);
}

/** `1.50`, `1.5`, 1.5 and an object whose text is one of these are the same number. */
function decimalText(value: unknown): string {
  const text = String(value);
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

function dateText(value: unknown): string {
  return value instanceof Date ? value.toISOString().slice(0, 10) : String(value).slice(0, 10);
}

/** JSON with sorted keys, so that jsonb's own order of keys does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
  }
  return typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? "undefined");
}

function show(value: unknown): string {
  return value instanceof Date ? value.toISOString() : canonical(value);
}
