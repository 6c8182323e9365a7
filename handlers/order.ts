import { parseEnvelopeId, parseOrderNotice } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** An order event names the order and carries nothing of it that we keep. */
export const order: Handler = {
  eventTypes: ["order.created", "order.updated", "order.fulfillment.updated"],
  interpret({ type, data }) {
    // `data.type` is no guide: deliveries of one type have been seen with "order_created" and with "order".
    const notice = data.object?.[type.replaceAll(".", "_")];
    const object_id = parseOrderNotice(notice)?.order_id ?? parseEnvelopeId("data.id", data.id);
    return [{ kind: "pending_fetch", value: { object_type: "order", object_id } }];
  },
};
