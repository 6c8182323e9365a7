import { isUtf8 } from "node:buffer";
import { RegularsError } from "../errors.js";
import type { JsonValue } from "./types.js";

/** No Square object is nested this deep. The limit bounds every recursion over a payload. */
export const MAX_JSON_DEPTH = 64;

export type UnreadableJsonCode =
  | "byte_order_mark"
  | "invalid_utf8"
  | "invalid_json"
  | "too_deep"
  | "number_out_of_range";

/**
 * Bytes that are not JSON, or JSON that cannot be stored. The message quotes nothing, because it may be personal
 * data.
 */
export class UnreadableJson extends RegularsError {
  declare readonly code: UnreadableJsonCode;

  constructor(code: UnreadableJsonCode, message: string) {
    super(code, message);
  }
}

/**
 * Reads JSON into values that Postgres can store as `jsonb`.
 *
 * Integers beyond 2^53 become bigint. NUL characters and lone surrogates become U+FFFD, in strings and in keys,
 * because `jsonb` refuses them. A key `__proto__` is dropped. If a key occurs twice, the last one counts.
 *
 * @param bytes UTF-8 without a byte order mark
 * @throws UnreadableJson when the bytes are not UTF-8 or not JSON, when the nesting is deeper than 64, or when a
 *   number is too large for a double
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
  // Without escapes, valid JSON cannot hold a NUL or a lone surrogate, and `__proto__` would be visible in the text.
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
  /** Whether a string holds a `\u` escape. */
  hasEscapes: boolean;
  /** Byte ranges of the integers that a double cannot hold exactly. */
  longIntegers: [start: number, end: number][];
}

/** Finds in one pass what `JSON.parse` does not report. It does not have to notice malformed JSON. */
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

/** Returns the index after the number. Digits, `.`, `e`, `E`, `+` and `-` belong to it. */
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

/** @param start the index of the first digit, after a possible minus sign */
function inspectNumber(bytes: Buffer, start: number, end: number, found: Scan): void {
  // Nearly every number is shorter. "1e309" is the shortest one that is too large.
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

/** Returns the text with quotation marks around the given byte ranges. */
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
 * Compares two readings of one text. In the second reading the long integers were in quotation marks. A number in the
 * first that is a string in the second was a long integer. This needs no marker that a string in the text could
 * imitate.
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

/** Drops a key `__proto__`. Assigning it, here or in code that copies the object, would set the prototype. */
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
