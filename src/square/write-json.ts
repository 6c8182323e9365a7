import type { JsonValue } from "./types.js";

/**
 * Writes plain data as JSON text, with bigint as digits. `JSON.stringify` throws on bigint. A `toJSON` on its
 * prototype would make the Square SDK send amounts as strings.
 *
 * It is fast for arrays of facts. A bigint that fits a number becomes a number, and `JSON.stringify` writes the same
 * digits. Only data with an integer beyond 2^53 is written more slowly. Keys with an undefined value are left out.
 */
export function writeJson(value: JsonValue | object): string {
  const narrowed = narrow(value);
  return narrowed === BEYOND_NUMBER ? writeSlowly(value) : JSON.stringify(narrowed);
}

/**
 * Writes a JSON value in canonical form: keys sorted by UTF-16 code unit at every level, no white space, bigint as
 * digits. Equal values give equal texts, whatever the order of their keys.
 */
export function canonicalJson(value: JsonValue | object): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return writeScalar(value);
  const object = value as Record<string, JsonValue | undefined>;
  let text = "";
  for (const key of Object.keys(object).sort()) {
    const item = object[key];
    if (item !== undefined) text += `${text && ","}${writeScalar(key)}:${canonicalJson(item)}`;
  }
  return `{${text}}`;
}

const BEYOND_NUMBER = Symbol("an integer that no number holds");

/** Returns the value with bigints as numbers. Parts without bigint are returned as they are and not copied. */
function narrow(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : BEYOND_NUMBER;
  }
  if (typeof value !== "object" || value === null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const narrowed = narrow(item);
    if (narrowed === item) continue;
    if (narrowed === BEYOND_NUMBER) return BEYOND_NUMBER;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = narrowed;
  }
  return copy ?? value;
}

function writeSlowly(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeSlowly).join(",")}]`;
  if (typeof value !== "object" || value === null) return writeScalar(value);
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${writeScalar(key)}:${writeSlowly(item)}`);
  return `{${members.join(",")}}`;
}

/** Text without characters to escape. Writing it directly takes half the time of `JSON.stringify`. */
const PLAIN_TEXT = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

function writeScalar(value: unknown): string {
  if (typeof value === "string") return PLAIN_TEXT.test(value) ? `"${value}"` : JSON.stringify(value);
  return typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? "null");
}
