import { RegularsError } from "../../errors.js";
import { readJson } from "../read-json.js";
import type { JsonObject, JsonValue } from "../types.js";
import type { Page, Retrieved } from "./api.js";

/** A 200 that does not say what was asked for. The message names keys and Square's codes, never a value. */
export class InvalidAnswer extends RegularsError {
  constructor(what: string) {
    super("invalid_answer", what);
  }
}

/**
 * The body of a 200 as an object.
 *
 * @throws {InvalidAnswer} another media type, or no object
 * @throws {UnreadableJson} empty, cut off, not UTF-8
 */
export function readAnswer(mediaType: string | null, bytes: Buffer): JsonObject {
  if (!isJson(mediaType)) throw new InvalidAnswer("is not JSON by its media type");
  const body = readJson(bytes);
  if (!isObject(body)) throw new InvalidAnswer("is no JSON object");
  return body;
}

/** A page of a list. Without the key it is empty: that is how Square sends an empty list. */
export function readPage(body: JsonObject, key: string): Page {
  refuseErrors(body, key);
  const { cursor } = body;
  if (cursor !== undefined && cursor !== null && typeof cursor !== "string") {
    throw new InvalidAnswer("has a cursor that is no text");
  }
  return { objects: readList(body[key], key), cursor: cursor || null };
}

/** The object under a key, which must be there. */
export function readObject(body: JsonObject, key: string): JsonObject {
  refuseErrors(body, key);
  const object = body[key];
  if (!isObject(object)) throw new InvalidAnswer(`has no object ${key}`);
  return object;
}

/** The whole body as the object, known by a key that it must have. */
export function readWhole(body: JsonObject, key: string): JsonObject {
  refuseErrors(body, key);
  if (typeof body[key] !== "string") throw new InvalidAnswer(`has no ${key}`);
  return body;
}

/**
 * A bulk retrieve: a map from the id that was asked for to the object or its errors.
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

/** Square's codes in `errors`; only what looks like one, since the text beside them may quote values. */
export function errorCodes(errors: JsonValue | undefined): string[] {
  if (!Array.isArray(errors)) return [];
  return (errors as JsonValue[])
    .map((error) => (isObject(error) ? error.code : undefined))
    .filter((code): code is string => typeof code === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code));
}

/** Whether the errors say that there is no such object, and nothing else. */
export function saysNotFound(errors: JsonValue | undefined): boolean {
  return (
    Array.isArray(errors) &&
    errors.length > 0 &&
    (errors as JsonValue[]).every((error) => isObject(error) && error.code === "NOT_FOUND")
  );
}

/** Whether Square refuses the cursor: by its code, or by the field it complains about. */
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
  if (!isObject(entry)) throw new InvalidAnswer("has an entry that is no object");
  if (entry[objectKey] === undefined && saysNotFound(entry.errors)) return null;
  return readObject(entry, objectKey);
}

function readList(list: JsonValue | undefined, key: string): readonly JsonObject[] {
  if (list === undefined) return [];
  if (!Array.isArray(list) || !list.every(isObject))
    throw new InvalidAnswer(`has ${key} that is no list of objects`);
  return list;
}

/**
 * An answer with `errors` is none. Square's own examples of bookings carry an empty `errors` beside the data, so that
 * much is allowed; an empty `errors` with nothing beside it is not an empty list.
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
