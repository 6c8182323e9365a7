import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { Problem } from "./problem.js";

/** How long a request that is still arriving may go on arriving once the server stops. */
const ARRIVE_WITHIN_MS = 1_000;

/** How long answers may take once the server stops; the rest of its ten seconds is for the database. */
const ANSWER_WITHIN_MS = 8_000;

const LOOK_EVERY_MS = 25;

/**
 * Stopping without waiting for those who wait for us. Nothing new is taken: no connection, and on open ones 503. What has
 * arrived is answered, and its connection closed. Then all that is still open is cut: a connection that was only opened
 * or sends half a request would otherwise hold up the stop for as long as its owner likes.
 *
 * Needs Fastify's `forceCloseConnections: true`, which is the cut.
 */
export const draining = fp(async (app) => {
  let stopping = false;
  /** Requests that have arrived and have no answer yet, whatever became of their connections. */
  const underWay = new Set<FastifyRequest>();

  app.addHook("onRequest", async ({ routeOptions }) => {
    if (stopping && routeOptions.url !== "/healthz") {
      throw new Problem(503, "shutting_down", "This server is stopping. Try again.", {
        retryAfterSeconds: 2,
      });
    }
  });
  app.addHook("preHandler", async (request) => {
    if (!request.routeOptions.config.isStream) underWay.add(request);
  });
  app.addHook("onSend", async (request, reply) => {
    underWay.delete(request);
    if (stopping) reply.header("connection", "close");
  });

  app.addHook("preClose", async () => {
    stopping = true;
    if (!app.server.listening) return;
    // Idle connections are closed by this, too, and the others after their next answer.
    let open = true;
    once(app.server.close(), "close").then(() => {
      open = false;
    });
    const started = performance.now();
    const within = () => (underWay.size > 0 ? ANSWER_WITHIN_MS : ARRIVE_WITHIN_MS);
    while (open && performance.now() - started < within()) await wait(LOOK_EVERY_MS);
  });
});
