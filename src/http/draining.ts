import type { IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import fp from "fastify-plugin";
import { Problem } from "./problem.js";

/** How long a request that is still arriving may go on arriving once the server stops. */
const ARRIVE_WITHIN_MS = 1_000;

/** How long answers may take once the server stops; the rest of its ten seconds is for the database. */
const ANSWER_WITHIN_MS = 8_000;

/**
 * Stopping without waiting for those who wait for us. Nothing new is taken: no connection, and on open ones 503. What has
 * arrived is answered, and its connection closed. Then all that is still open is cut: a connection that was only opened
 * or sends half a request would otherwise hold up the stop for as long as its owner likes.
 *
 * Needs Fastify's `forceCloseConnections: true`, which is the cut.
 */
export const draining = fp(async (app) => {
  let stopping = false;
  /** Requests without a whole answer; true for those that have arrived. */
  const open = new Map<IncomingMessage, boolean>();
  let changed = () => {};

  app.addHook("onRequest", async ({ raw, routeOptions }, reply) => {
    open.set(raw, false);
    const ended = () => {
      open.delete(raw);
      changed();
    };
    reply.raw.once("finish", ended).once("close", ended);
    if (stopping && routeOptions.url !== "/healthz") {
      throw new Problem(503, "shutting_down", "This server is stopping. Try again.", 2);
    }
  });
  app.addHook("preHandler", async ({ raw }) => {
    open.set(raw, true);
  });
  // Unless the same connection has brought another request behind this one.
  const isLast = (raw: IncomingMessage) =>
    [...open.keys()].every((other) => other === raw || other.socket !== raw.socket);
  app.addHook("onSend", async ({ raw }, reply) => {
    if (stopping && isLast(raw)) reply.header("connection", "close");
  });

  app.addHook("preClose", async () => {
    stopping = true;
    stopListening(app);
    const until = (isDone: () => boolean, ms: number) =>
      Promise.race([
        new Promise<void>((resolve) => {
          changed = () => isDone() && resolve();
          changed();
        }),
        wait(ms, undefined, { ref: false }),
      ]);
    const started = performance.now();
    await until(() => open.size === 0, ARRIVE_WITHIN_MS);
    const left = ANSWER_WITHIN_MS - (performance.now() - started);
    await until(() => ![...open.values()].includes(true), left);
  });
});

/** Closes idle connections, too. */
function stopListening({ server }: FastifyInstance): void {
  if (server.listening) server.close();
}
