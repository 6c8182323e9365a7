import type { Json } from "./endpoint.js";
import { badRequest } from "./refusal.js";

/** @throws {Refusal} 400 for anything but an RFC 3339 time with a zone */
export function instantOf(value: unknown, field: string): number | undefined {
  if (value === undefined || value === "") return undefined;
  const isTime =
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i.test(value) &&
    !Number.isNaN(Date.parse(value));
  if (!isTime) throw badRequest("INVALID_TIME", "This is no RFC 3339 time with a zone.", field);
  return Date.parse(value);
}

/** A limit that Square checks. @throws {Refusal} 400 when it is out of range */
export function strictLimit(value: unknown, most: number, otherwise = most): number {
  const limit = value === undefined ? otherwise : Number(value);
  if (!Number.isInteger(limit)) throw badRequest("EXPECTED_INTEGER", "Expected an integer value.", "limit");
  if (limit < 1) throw badRequest("VALUE_TOO_LOW", "The limit must be at least 1.", "limit");
  if (limit > most) throw badRequest("VALUE_TOO_HIGH", `The limit must be at most ${most}.`, "limit");
  return limit;
}

/** A limit that Square silently replaces by the maximum when it is out of range. */
export function lenientLimit(value: unknown, most: number): number {
  const limit = Number(value ?? most);
  return Number.isInteger(limit) && limit >= 1 && limit <= most ? limit : most;
}

/** One of several words. The default is the first. @throws {Refusal} 400 for any other */
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

/** An object in the body, such as `query.filter`. A missing one is empty. @throws {Refusal} 400 for anything else */
export function objectAt(body: Json, path: string): Json {
  let found: unknown = body;
  for (const key of path.split(".")) {
    found = (found as Json)[key] ?? {};
    if (typeof found !== "object" || Array.isArray(found)) {
      throw badRequest("EXPECTED_OBJECT", "Expected an object.", path);
    }
  }
  return found as Json;
}

/** The ids of a bulk call, 1 to 100. @throws {Refusal} 400 */
export function idsOf(value: unknown, field: string): readonly string[] {
  if (!Array.isArray(value)) throw badRequest("EXPECTED_ARRAY", "Expected an array.", field);
  if (value.length === 0) throw badRequest("ARRAY_EMPTY", "The array must not be empty.", field);
  if (value.length > 100) {
    throw badRequest("ARRAY_LENGTH_TOO_LONG", "The array must have at most 100 elements.", field);
  }
  return value.map(String);
}

/** Whether an instant is in [from, to). A missing end is open. */
export function within(instant: number, from: number | undefined, to: number | undefined): boolean {
  return (from === undefined || instant >= from) && (to === undefined || instant < to);
}

/** Sorts by a time. Objects of one time keep the order in which they were made. */
export function byTime<Item>(
  items: readonly Item[],
  time: (item: Item) => string | undefined,
  order: "ASC" | "DESC" = "ASC",
): Item[] {
  const keyed = items.map((item) => ({ item, at: Date.parse(time(item) ?? "") }));
  const sorted = keyed.sort((one, other) => one.at - other.at).map(({ item }) => item);
  return order === "ASC" ? sorted : sorted.reverse();
}
