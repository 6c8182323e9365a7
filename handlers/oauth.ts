import { parseRevocation } from "../src/square/schemas/notifications.js";
import { type Handler, TIME_UNKNOWN } from "./handler.js";

/** The seller withdrew our access. A revocation without a time counts too. */
export const oauth: Handler = {
  eventTypes: ["oauth.authorization.revoked"],
  interpret({ data, created_at }) {
    const revoked_at = parseRevocation(data.object?.revocation)?.revoked_at ?? created_at ?? TIME_UNKNOWN;
    return [{ kind: "revocation", value: { revoked_at } }];
  },
};
