import { z } from "zod";
import { RegularsError } from "../errors.js";
import { describeIssues } from "./issues.js";
import { parseInstant } from "./timestamp.js";
import type { Instant, JsonObject, JsonValue } from "./types.js";

/** What every Square event holds. A webhook's body and an entry of SearchEvents have the same shape. */
export interface SquareEvent {
  readonly merchant_id: string;
  /** Decides the handler. `data.type` is unreliable. */
  readonly type: string;
  /** Any non-empty string. Square uses UUIDs of several versions. */
  readonly event_id: string;
  /**
   * When Square made the envelope. It may be earlier than the object's own `created_at`. It does not decide the order
   * of copies, so an event with a missing or invalid `created_at` is accepted, with null here.
   */
  readonly created_at: Instant | null;
  readonly location_id: string | null;
  readonly data: {
    readonly type: string | null;
    /** Unreliable. If the object has an id, that one counts. */
    readonly id: string | null;
    readonly deleted: boolean;
    readonly object: JsonObject | null;
  };
  /** The whole event as received, including unknown keys. */
  readonly payload: JsonObject;
}

/** The event lacks a field that every event has. The message names each path and its problem, and quotes no value. */
export class InvalidEnvelope extends RegularsError {
  constructor(message: string) {
    super("invalid_envelope", message);
  }
}

const name = z.string().min(1).max(255);

/**
 * The three fields that every event needs. `data` is not checked here: events of unknown types are stored and
 * ignored, and a handler checks the `data` of its own types.
 */
const envelopeSchema = z.object({ merchant_id: name, type: name, event_id: name });

/**
 * Reads an event's envelope. Unknown keys are accepted. An optional field that is missing or of another type is null.
 *
 * @throws InvalidEnvelope when `json` is not an object, or when a required field is missing, empty or longer than 255
 *   characters
 */
export function readEnvelope(json: JsonValue): SquareEvent {
  const names = envelopeSchema.safeParse(json);
  if (!names.success) throw new InvalidEnvelope(describeIssues(names.error, "event"));
  const { merchant_id, type, event_id } = names.data;
  const payload = json as JsonObject;
  const data = objectOrNull(payload.data) ?? {};
  return {
    merchant_id,
    type,
    event_id,
    created_at: typeof payload.created_at === "string" ? parseInstant(payload.created_at) : null,
    location_id: textOrNull(payload.location_id),
    data: {
      type: textOrNull(data.type),
      id: textOrNull(data.id),
      deleted: data.deleted === true,
      object: objectOrNull(data.object),
    },
    payload,
  };
}

function textOrNull(value: JsonValue | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function objectOrNull(value: JsonValue | undefined): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
