import { parsePayment } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** The customer may be missing at first and be added later: the fact says what this copy says, no more. */
export const payment: Handler = {
  eventTypes: ["payment.created", "payment.updated"],
  interpret: ({ data }) => [{ kind: "payment", value: parsePayment(data.object?.payment) }],
};
