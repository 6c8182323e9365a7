import type { Json } from "./call.js";
import { badRequest } from "./refusal.js";

/** @throws {Refusal} 400 for what is no RFC 3339 time with a zone */
export function instantOf(value: unknown, field: string): number | undefined {
  if (value === undefined || value === "") return undefined;
  const isTime =
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i.test(value) &&
    !Number.isNaN(Date.parse(value));
  if (!isTime) throw badRequest("INVALID_TIME", "This is no RFC 3339 time with a zone.", field);
  return Date.parse(value);
}

/** A limit that Square insists on. @throws {Refusal} 400 when it lies outside */
export function strictLimit(value: unknown, most: number, otherwise = most): number {
  const limit = numberOf(value);
  if (limit === undefined) return otherwise;
  if (!Number.isInteger(limit)) throw badRequest("EXPECTED_INTEGER", "Expected an integer value.", "limit");
  if (limit < 1) throw badRequest("VALUE_TOO_LOW", "The limit must be at least 1.", "limit");
  if (limit > most) throw badRequest("VALUE_TOO_HIGH", `The limit must be at most ${most}.`, "limit");
  return limit;
}

/** A limit that Square silently replaces by the most when it lies outside. */
export function lenientLimit(value: unknown, most: number): number {
  const limit = numberOf(value) ?? most;
  return Number.isInteger(limit) && limit >= 1 && limit <= most ? limit : most;
}

function numberOf(value: unknown): number | undefined {
  return value === undefined || value === "" ? undefined : Number(value);
}

/** One of several words. @throws {Refusal} 400 for any other */
export function wordOf<Word extends string>(
  value: unknown,
  field: string,
  words: readonly [Word, ...Word[]],
): Word {
  if (value === undefined || value === "") return words[0];
  const word = words.find((known) => known === value);
  if (word === undefined) throw badRequest("INVALID_ENUM_VALUE", `Not one of ${words.join(", ")}.`, field);
  return word;
}

/** An object of the body; an absent one is empty. @throws {Refusal} 400 for anything else */
export function objectOf(value: unknown, field: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badRequest("EXPECTED_OBJECT", "Expected an object.", field);
  }
  return value as Json;
}

/** A list of texts in the body. @throws {Refusal} 400 for anything else, or more than `most` */
export function textsOf(
  value: unknown,
  field: string,
  most = Number.POSITIVE_INFINITY,
): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw badRequest("EXPECTED_ARRAY", "Expected an array.", field);
  if (value.length > most) {
    throw badRequest("ARRAY_LENGTH_TOO_LONG", `The array must have at most ${most} elements.`, field);
  }
  if (!value.every((item) => typeof item === "string")) {
    throw badRequest("INVALID_ARRAY_VALUE", "Expected an array of strings.", field);
  }
  return value;
}

/** Ids that a bulk call cannot do without. @throws {Refusal} 400 */
export function idsOf(value: unknown, field: string, most = 100): readonly string[] {
  const ids = textsOf(value, field, most) ?? [];
  if (ids.length === 0) throw badRequest("ARRAY_EMPTY", "The array must not be empty.", field);
  return ids;
}
