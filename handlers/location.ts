import type { Location } from "../src/facts/types.js";
import { parseLocation } from "../src/square/schemas/location.js";
import { parseEnvelopeId } from "../src/square/schemas/notifications.js";
import type { Handler } from "./handler.js";

/** A location event carries only the location's id. */
export const location: Handler = {
  eventTypes: ["location.created", "location.updated"],
  interpret({ data, location_id }) {
    const object_id = parseEnvelopeId("data.id", data.id ?? location_id);
    return [{ kind: "pending_fetch", value: { object_type: "location", object_id } }];
  },
};

/**
 * @param object a location in wire shape, from the API
 * @throws {InvalidPayload}
 */
export function locationOf(object: unknown): Location {
  const { id, name, timezone, currency, status } = parseLocation(object);
  return { square_location_id: id, name, time_zone: timezone, currency, status };
}
