import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { readStatus } from "../operations/status.js";
import { security } from "./openapi.js";
import { adminErrors } from "./schemas.js";

const schema = {
  summary: "How the work stands: inbox, sweeps, drift, organizations",
  tags: ["Operations"],
  security: [...security.admin],
  response: { 200: z.looseObject({}), ...adminErrors },
};

/** How the work stands (contract section 2). */
export function statusRoutes({ database, clock }: { database: Database; clock: Clock }) {
  return async (app: FastifyInstance) => {
    app.get("/admin/jobs/status", { schema }, () => readStatus(database.pool, clock()));
  };
}
