import { RegularsError } from "../../errors.js";
import { readJson } from "../read-json.js";
import type { JsonObject, JsonValue } from "../types.js";
import type { Page, Retrieved } from "./api.js";

/** A 200 without a usable answer. The message names keys and Square's error codes, never a value. */
export class InvalidAnswer extends RegularsError {
  constructor(what: string) {
    super("invalid_answer", what);
  }
}

/**
 * Reads the body of a 200 as an object.
 *
 * @throws InvalidAnswer when the media type is not JSON or the body is not an object
 * @throws UnreadableJson when the body is empty, cut off, or not UTF-8
 */
export function readAnswer(mediaType: string | null, bytes: Buffer): JsonObject {
  if (!isJson(mediaType)) throw new InvalidAnswer("has a media type that is not JSON");
  const body = readJson(bytes);
  if (!isObject(body)) throw new InvalidAnswer("is not a JSON object");
  return body;
}

/** Reads a page of a list. Square leaves the key out when the list is empty. */
export function readPage(body: JsonObject, key: string): Page {
  refuseErrors(body, key);
  const { cursor } = body;
  if (cursor !== undefined && cursor !== null && typeof cursor !== "string") {
    throw new InvalidAnswer("has a cursor that is not text");
  }
  return { objects: readList(body[key], key), cursor: cursor || null };
}

/** Reads the object under a required key. */
export function readObject(body: JsonObject, key: string): JsonObject {
  refuseErrors(body, key);
  const object = body[key];
  if (!isObject(object)) throw new InvalidAnswer(`has no object ${key}`);
  return object;
}

/** Reads the whole body as the object. It must have the given key. */
export function readWhole(body: JsonObject, key: string): JsonObject {
  refuseErrors(body, key);
  if (typeof body[key] !== "string") throw new InvalidAnswer(`has no ${key}`);
  return body;
}

/**
 * Reads the answer of a bulk retrieve: a map from each requested id to the object or its errors.
 *
 * @param mapKey the key of the map
 * @param objectKey the key of the object in each entry
 */
export function readRetrieved(
  body: JsonObject,
  ids: readonly string[],
  [mapKey, objectKey]: readonly [string, string],
): Retrieved {
  refuseErrors(body, mapKey);
  const entries = body[mapKey];
  if (!isObject(entries)) throw new InvalidAnswer(`has no map ${mapKey}`);
  const retrieved = new Map<string, JsonObject | null>();
  for (const id of ids) {
    if (Object.hasOwn(entries, id)) retrieved.set(id, readEntry(entries[id], objectKey));
  }
  return retrieved;
}

/** Square's error codes in `errors`. Other texts are left out, because they may quote values. */
export function errorCodes(errors: JsonValue | undefined): string[] {
  if (!Array.isArray(errors)) return [];
  return (errors as JsonValue[])
    .map((error) => (isObject(error) ? error.code : undefined))
    .filter((code): code is string => typeof code === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code));
}

/** Whether every error says that the object does not exist. */
export function saysNotFound(errors: JsonValue | undefined): boolean {
  return (
    Array.isArray(errors) &&
    errors.length > 0 &&
    (errors as JsonValue[]).every((error) => isObject(error) && error.code === "NOT_FOUND")
  );
}

/** Whether Square refuses the cursor, by an error's code or by its field. */
export function complainsAboutCursor(errors: JsonValue | undefined): boolean {
  return (
    Array.isArray(errors) &&
    (errors as JsonValue[]).some(
      (error) => isObject(error) && (error.code === "INVALID_CURSOR" || error.field === "cursor"),
    )
  );
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readEntry(entry: JsonValue | undefined, objectKey: string): JsonObject | null {
  if (!isObject(entry)) throw new InvalidAnswer("has an entry that is not an object");
  if (entry[objectKey] === undefined && saysNotFound(entry.errors)) return null;
  return readObject(entry, objectKey);
}

function readList(list: JsonValue | undefined, key: string): readonly JsonObject[] {
  if (list === undefined) return [];
  if (!Array.isArray(list) || !list.every(isObject))
    throw new InvalidAnswer(`has ${key} that is not a list of objects`);
  return list;
}

/**
 * Refuses an answer with `errors`. An empty `errors` beside the data is accepted, because Square's examples of
 * bookings have it. An empty `errors` without data is not an empty list and is refused.
 */
function refuseErrors(body: JsonObject, key: string): void {
  const { errors } = body;
  if (errors === undefined) return;
  const none = errors === null || (Array.isArray(errors) && errors.length === 0);
  if (!none || body[key] === undefined)
    throw new InvalidAnswer(["has errors", ...errorCodes(errors)].join(" "));
}

function isJson(mediaType: string | null): boolean {
  const type = mediaType?.split(";")[0]?.trim().toLowerCase() ?? "";
  return type === "application/json" || /^application\/[^ ]+\+json$/.test(type);
}
