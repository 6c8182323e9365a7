import type { JsonValue } from "./types.js";

/** The ends of the names of fields that hold ids, kinds, amounts and instants. */
const KEPT =
  /(^|_)(ids?|at|type|status|state|source|version|amount|currency|brand|minutes|deleted|authorized)$/;

/** Free texts of the seller or the buyer, although their names look like ids or kinds. */
const FREE_TEXTS: ReadonlySet<string> = new Set(["reference_id", "external_details"]);

/**
 * The object without names, addresses, notes and every other value that may tell who somebody is. Ids, kinds,
 * statuses, amounts, durations and instants stay. A field that nobody has thought of is left out. Objects and arrays
 * keep their places, so the result is read like the object that it came from.
 */
export function withoutTexts<Value extends JsonValue>(value: Value): Value {
  return strip(value, false) as Value;
}

function strip(value: JsonValue, isKept: boolean): JsonValue | undefined {
  if (Array.isArray(value)) {
    return value.map((item: JsonValue) => strip(item, isKept)).filter((item) => item !== undefined);
  }
  if (typeof value !== "object" || value === null) return isKept ? value : undefined;
  const kept = Object.entries(value).flatMap(([key, item]) => {
    if (FREE_TEXTS.has(key)) return [];
    const stripped = strip(item, KEPT.test(key));
    return stripped === undefined ? [] : [[key, stripped] as const];
  });
  return Object.fromEntries(kept);
}
