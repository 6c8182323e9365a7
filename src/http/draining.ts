import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { Problem } from "./problem.js";

/** How long a request may still arrive after the server begins to stop. */
const ARRIVE_WITHIN_MS = 1_000;

/** How long answers may take after the server begins to stop. The rest of its ten seconds is for the database. */
const ANSWER_WITHIN_MS = 8_000;

const LOOK_EVERY_MS = 25;

/**
 * Stops the HTTP server in order. It accepts no new connection and answers new requests with 503. Requests that have
 * arrived are answered, and their connections are closed. Then all other connections are closed, because an idle
 * client or half a request could delay the stop forever.
 *
 * This needs Fastify's `forceCloseConnections: true`, which closes those connections.
 */
export const draining = fp(async (app) => {
  let stopping = false;
  /** Requests that have arrived and have no answer yet, even if their connection has closed. */
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
    // This also closes idle connections. The others close after their next answer.
    let open = true;
    once(app.server.close(), "close").then(() => {
      open = false;
    });
    const started = performance.now();
    const within = () => (underWay.size > 0 ? ANSWER_WITHIN_MS : ARRIVE_WITHIN_MS);
    while (open && performance.now() - started < within()) await wait(LOOK_EVERY_MS);
  });
});
