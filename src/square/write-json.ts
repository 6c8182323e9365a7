import type { JsonValue } from "./types.js";

/**
 * Writes plain data as JSON text, with bigint as plain digits (`JSON.stringify` throws on them, and a
 * `toJSON` on their prototype would make the Square SDK send amounts as strings).
 *
 * Made for arrays of facts on their way to Postgres: money that fits a number becomes one, which JSON writes
 * with the same digits, so that the native writer does all but one walk. Only an integer beyond 2^53 takes
 * the slow path. Keys whose value is undefined are left out.
 */
export function writeJson(value: JsonValue | object): string {
  const narrowed = narrow(value);
  return narrowed === BEYOND_NUMBER ? writeSlowly(value) : JSON.stringify(narrowed);
}

/**
 * The one text of a JSON value: keys sorted by UTF-16 code unit at every level, no white space, bigint as
 * digits. Equal values give equal texts whatever order Square wrote the keys in.
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

/** The value with its bigints as numbers; itself when it has none, so that most of it is never copied. */
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

/** No quotation mark, backslash, control character or surrogate: written as it is, at half the native cost. */
const PLAIN_TEXT = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

function writeScalar(value: unknown): string {
  if (typeof value === "string") return PLAIN_TEXT.test(value) ? `"${value}"` : JSON.stringify(value);
  return typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? "null");
}
