import { z } from "zod";
import type { Sweeps } from "../sweep/background.js";
import { requireBearer } from "./auth.js";
import { ignoreBodies } from "./ignore-bodies.js";
import { type ApiInstance, security } from "./openapi.js";
import { problemAnswer } from "./schemas.js";

const query = z.strictObject({ mode: z.enum(["recent", "full"]).default("recent") });

/** The route by which an outside cron service runs a sweep. */
export function cronRoutes({
  sweeps,
  cronSecret,
}: {
  sweeps: Pick<Sweeps, "run">;
  cronSecret: string | undefined;
}) {
  return async (app: ApiInstance) => {
    app.addHook("onRequest", requireBearer(cronSecret, "CRON_SECRET"));
    ignoreBodies(app);

    app.route({
      method: ["GET", "POST"],
      url: "/api/cron/refresh-customer-analytics",
      // HEAD would run a sweep too.
      exposeHeadRoute: false,
      schema: {
        summary: "Run a reconciliation sweep",
        tags: ["Operations"],
        security: [...security.cron],
        querystring: query,
        response: {
          200: z.looseObject({ success: z.boolean() }).meta({ description: "The sweep's report" }),
          400: problemAnswer("A parameter is wrong"),
          401: problemAnswer("The secret is missing or wrong"),
          503: problemAnswer("CRON_SECRET is not set, or the database cannot be reached"),
        },
      },
      handler: (request) => sweeps.run(request.query.mode),
    });
  };
}
