import { isUtf8 } from "node:buffer";
import { RegularsError } from "../errors.js";
import type { JsonValue } from "./types.js";

/** Deeper nesting than any Square object has; bounds the recursion of everything that walks a payload. */
export const MAX_JSON_DEPTH = 64;

export type UnreadableJsonCode =
  | "byte_order_mark"
  | "invalid_utf8"
  | "invalid_json"
  | "too_deep"
  | "number_out_of_range";

/** Bytes that are no JSON we can keep. The message never quotes them: they may hold personal data. */
export class UnreadableJson extends RegularsError {
  declare readonly code: UnreadableJsonCode;

  constructor(code: UnreadableJsonCode, message: string) {
    super(code, message);
  }
}

/**
 * Reads JSON without losing anything, into values that Postgres `jsonb` takes.
 *
 * Integers beyond 2^53 become bigint. NUL characters and lone surrogates, which `jsonb` refuses, become
 * U+FFFD, in strings and in keys. A key `__proto__` is dropped. The last of duplicate keys stands.
 *
 * @param bytes UTF-8 without a byte order mark
 * @throws {UnreadableJson} not UTF-8, not JSON, nested deeper than 64, or a number too large for a double
 */
export function readJson(bytes: Buffer): JsonValue {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new UnreadableJson("byte_order_mark", "The body begins with a byte order mark.");
  }
  if (!isUtf8(bytes)) throw new UnreadableJson("invalid_utf8", "The body is not valid UTF-8.");
  const { hasEscapes, longIntegers } = scan(bytes);
  const text = bytes.toString("utf8");
  let value = parse(text);
  if (longIntegers.length > 0) value = restoreIntegers(value, parse(quote(bytes, longIntegers)));
  // Only an escape can write NUL or half a surrogate pair in valid JSON, and only an escape can hide a key.
  if (hasEscapes || text.includes("__proto__")) value = clean(value);
  return value;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new UnreadableJson("invalid_json", "The body is not JSON.");
  }
}

interface Scan {
  /** Whether any string holds a `\u` escape. */
  hasEscapes: boolean;
  /** Byte ranges of the integers that a double cannot hold exactly. */
  longIntegers: [start: number, end: number][];
}

/** One pass over the bytes for what `JSON.parse` does not tell. It need not notice malformed JSON. */
function scan(bytes: Buffer): Scan {
  const found: Scan = { hasEscapes: false, longIntegers: [] };
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) {
        if (bytes[at] !== BACKSLASH) continue;
        at++;
        if (bytes[at] === LOWER_U) found.hasEscapes = true;
      }
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      if (depth > MAX_JSON_DEPTH) throw new UnreadableJson("too_deep", "The body is nested too deeply.");
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    } else if (isDigit(byte)) {
      const end = endOfNumber(bytes, at);
      inspectNumber(bytes, at, end, found);
      at = end - 1;
    }
  }
  return found;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Digits, `.`, `e`, `E`, `+` and `-` belong to a number. */
function endOfNumber(bytes: Buffer, start: number): number {
  let end = start + 1;
  for (; end < bytes.length; end++) {
    const byte = bytes[end] as number;
    const belongs =
      isDigit(byte) || byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === MINUS;
    if (!belongs) break;
  }
  return end;
}

/** @param start index of the first digit; a minus sign may stand before it */
function inspectNumber(bytes: Buffer, start: number, end: number, found: Scan): void {
  // Nearly every number ends here: "1e309" is the shortest that is too large.
  if (end - start < 5) return;
  const token = bytes.toString("latin1", start, end);
  const magnitude = Number(token);
  if (magnitude === Number.POSITIVE_INFINITY) {
    throw new UnreadableJson("number_out_of_range", "The body holds a number too large to represent.");
  }
  if (!Number.isSafeInteger(magnitude) && /^[0-9]+$/.test(token)) {
    found.longIntegers.push([bytes[start - 1] === MINUS ? start - 1 : start, end]);
  }
}

/** The text with quotation marks around the given byte ranges. */
function quote(bytes: Buffer, ranges: readonly [number, number][]): string {
  let text = "";
  let written = 0;
  for (const [start, end] of ranges) {
    text += `${bytes.toString("utf8", written, start)}"${bytes.toString("latin1", start, end)}"`;
    written = end;
  }
  return text + bytes.toString("utf8", written);
}

/**
 * Two readings of one text, the second with its long integers in quotation marks. Where the first has a
 * number and the second a string, there stood a long integer. No marker is needed, so no string can forge one.
 */
function restoreIntegers(plain: JsonValue, quoted: JsonValue): JsonValue {
  if (typeof plain === "number" && typeof quoted === "string") return BigInt(quoted);
  if (Array.isArray(plain)) {
    return plain.map((item, index) => restoreIntegers(item, (quoted as JsonValue[])[index] as JsonValue));
  }
  if (typeof plain !== "object" || plain === null) return plain;
  return mapObject(plain as Record<string, JsonValue>, (item, key) =>
    restoreIntegers(item, (quoted as Record<string, JsonValue>)[key] as JsonValue),
  );
}

function clean(value: JsonValue): JsonValue {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  return mapObject(value as Record<string, JsonValue>, clean, cleanText);
}

function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** Drops a key `__proto__`: assigning it, here or in code that copies the object, would set a prototype. */
function mapObject(
  object: Readonly<Record<string, JsonValue>>,
  mapValue: (value: JsonValue, key: string) => JsonValue,
  mapKey: (key: string) => string = (key) => key,
): JsonValue {
  const mapped: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(object)) {
    if (key !== "__proto__") mapped[mapKey(key)] = mapValue(value, key);
  }
  return mapped;
}
