import { parseEnvelopeId } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** A location event names the location and carries nothing of it. */
export const location: Handler = {
  eventTypes: ["location.created", "location.updated"],
  interpret({ data, location_id }) {
    const object_id = parseEnvelopeId("data.id", data.id ?? location_id);
    return [{ kind: "pending_fetch", value: { object_type: "location", object_id } }];
  },
};
