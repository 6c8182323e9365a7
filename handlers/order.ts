import { parseEnvelopeId, parseOrderNotice } from "../src/square/schemas/notifications.js";
import type { Handler } from "./handler.js";

/** An order event carries only the order's id and fields that are not stored. */
export const order: Handler = {
  eventTypes: ["order.created", "order.updated", "order.fulfillment.updated"],
  interpret({ type, data }) {
    // `data.type` is not reliable: Square sends both "order_created" and "order" for one event type.
    const notice = data.object?.[type.replaceAll(".", "_")];
    const object_id = parseOrderNotice(notice)?.order_id ?? parseEnvelopeId("data.id", data.id);
    return [{ kind: "pending_fetch", value: { object_type: "order", object_id } }];
  },
};
