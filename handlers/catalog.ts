import type { Handler } from "./handler.js";

/**
 * Says that something in the catalog changed, not what: everything that changed since the last look is to be
 * fetched, so all such events are one task.
 */
export const catalog: Handler = {
  eventTypes: ["catalog.version.updated"],
  interpret: () => [{ kind: "pending_fetch", value: { object_type: "catalog", object_id: "catalog" } }],
};
