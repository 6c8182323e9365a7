import { parseRevocation } from "../src/square/schemas.js";
import { type Handler, TIME_UNKNOWN } from "./handler.js";

/** The seller took our access back. It counts even if nobody says when. */
export const oauth: Handler = {
  eventTypes: ["oauth.authorization.revoked"],
  interpret({ data, created_at }) {
    const revoked_at = parseRevocation(data.object?.revocation)?.revoked_at ?? created_at ?? TIME_UNKNOWN;
    return [{ kind: "revocation", value: { revoked_at } }];
  },
};
