import fp from "fastify-plugin";
import { z } from "zod";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { Replica } from "../database/replica.js";
import type { Inbox } from "../inbox/inbox.js";
import { Metrics } from "../operations/metrics.js";
import type { SubscriptionWatch } from "../operations/subscription-watch.js";
import { WEBHOOK_ROUTE } from "./webhook-address.js";

/** The route of Prometheus' metrics. It needs no key, so block it at the proxy (docs/deployment.md). */
export function metricsRoutes({
  database,
  replica,
  subscription,
  clock,
  inbox,
}: {
  database: Database;
  replica: Pick<Replica, "status"> | undefined;
  subscription: Pick<SubscriptionWatch, "status"> | undefined;
  clock: Clock;
  inbox: Pick<Inbox, "queued" | "onBatch">;
}) {
  return fp(async (app) => {
    const metrics = new Metrics(
      database,
      clock,
      inbox,
      () => app.openStreams.size,
      () => replica?.status,
      () => subscription?.status,
    );

    // Counts every refused delivery, whatever refused it: the signature, the size, the database.
    app.addHook("onResponse", async ({ routeOptions }, { statusCode }) => {
      if (routeOptions.url === WEBHOOK_ROUTE && statusCode >= 400) metrics.countRefused(statusCode);
    });

    app.get(
      "/metrics",
      {
        schema: {
          summary: "Metrics in Prometheus' text format",
          tags: ["Health"],
          response: { 200: { description: "Metrics", content: { "text/plain": { schema: z.string() } } } },
        },
        // The text is not JSON.
        serializerCompiler: () => (text) => String(text),
      },
      async (_request, reply) => reply.type(metrics.contentType).send(await metrics.read()),
    );
  });
}
