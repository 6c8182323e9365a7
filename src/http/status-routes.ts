import type { FastifyInstance } from "fastify";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { readStatus } from "../operations/status.js";
import { requireBearer } from "./auth.js";

/** How the work stands (contract section 2). */
export function statusRoutes({
  database,
  clock,
  adminApiKey,
}: {
  database: Database;
  clock: Clock;
  adminApiKey: string | undefined;
}) {
  return async (app: FastifyInstance) => {
    app.addHook("onRequest", requireBearer(adminApiKey, "ADMIN_API_KEY"));
    app.get("/admin/jobs/status", () => readStatus(database.pool, clock()));
  };
}
