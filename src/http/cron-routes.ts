import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Sweeps } from "../sweep/background.js";
import { requireBearer } from "./auth.js";
import { ignoreBodies } from "./ignore-bodies.js";
import { Problem } from "./problem.js";

const querySchema = z.object({ mode: z.enum(["recent", "full"]).default("recent") });

/** The sweep for a cron service that calls from outside (contract section 2). */
export function cronRoutes({
  sweeps,
  cronSecret,
}: {
  sweeps: Pick<Sweeps, "run">;
  cronSecret: string | undefined;
}) {
  return async (app: FastifyInstance) => {
    app.addHook("onRequest", requireBearer(cronSecret, "CRON_SECRET"));
    ignoreBodies(app);

    app.route({
      method: ["GET", "POST"],
      url: "/api/cron/refresh-customer-analytics",
      // HEAD would do all of it, too.
      exposeHeadRoute: false,
      handler: async (request) => {
        const query = querySchema.safeParse(request.query);
        if (!query.success) throw new Problem(400, "invalid_request", "mode is recent or full.");
        return sweeps.run(query.data.mode);
      },
    });
  };
}
