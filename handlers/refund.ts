import { parseRefund } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** A refund names its payment, never a customer, and may arrive before its payment. */
export const refund: Handler = {
  eventTypes: ["refund.created", "refund.updated"],
  interpret: ({ data }) => [{ kind: "refund", value: parseRefund(data.object?.refund) }],
};
