import { z } from "zod";
import { RegularsError } from "../errors.js";
import { describeIssues } from "./issues.js";
import { parseInstant } from "./timestamp.js";
import type { Instant, JsonObject, JsonValue } from "./types.js";

/** What every Square event says, whatever its type: the webhook body, and one entry of SearchEvents alike. */
export interface SquareEvent {
  readonly merchant_id: string;
  /** The only thing to dispatch on: `data.type` is unreliable. */
  readonly type: string;
  /** Any non-empty string: Square's are UUIDs of several versions. */
  readonly event_id: string;
  /**
   * When Square made the envelope, which may be before the object's own `created_at`. It decides nothing,
   * so an event whose `created_at` is missing or broken is still taken, with null here.
   */
  readonly created_at: Instant | null;
  readonly location_id: string | null;
  readonly data: {
    readonly type: string | null;
    /** Unreliable too: trust the id inside the object where there is one. */
    readonly id: string | null;
    readonly deleted: boolean;
    readonly object: JsonObject | null;
  };
  /** The whole event as received, unknown keys included. */
  readonly payload: JsonObject;
}

/** The event lacks what every event has. The message names each path and what is wrong there, no values. */
export class InvalidEnvelope extends RegularsError {
  constructor(message: string) {
    super("invalid_envelope", message);
  }
}

const name = z.string().min(1).max(255);

/**
 * Only what no event can be without: an event of an unknown type is stored and ignored, so a strange `data`
 * is for its handler to refuse.
 */
const envelopeSchema = z.object({ merchant_id: name, type: name, event_id: name });

/**
 * Reads the envelope of an event. Unknown keys are accepted; what is not required is null when it is missing
 * or of another type.
 *
 * @throws {InvalidEnvelope} not an object, or one of the three names is missing, empty or over 255 characters
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
