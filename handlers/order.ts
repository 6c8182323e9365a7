import { InvalidPayload, parseOrderNotice } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** An order event names the order and carries nothing of it that we keep. */
export const order: Handler = {
  eventTypes: ["order.created", "order.updated", "order.fulfillment.updated"],
  interpret({ type, data }) {
    // `data.type` is no guide: deliveries of one type have been seen with "order_created" and with "order".
    const object_id = parseOrderNotice(data.object?.[type.replaceAll(".", "_")]) ?? data.id;
    if (object_id === null) throw new InvalidPayload("order.order_id: expected the order's id");
    return [{ kind: "pending_fetch", value: { object_type: "order", object_id } }];
  },
};
