import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
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
  const open = new OpenRequests();

  app.addHook("onRequest", async ({ raw, routeOptions }, reply) => {
    open.add(raw);
    const ended = () => open.end(raw);
    reply.raw.once("finish", ended).once("close", ended);
    if (stopping && routeOptions.url !== "/healthz") {
      throw new Problem(503, "shutting_down", "This server is stopping. Try again.", 2);
    }
  });
  app.addHook("preHandler", async ({ raw }) => open.arrived(raw));
  app.addHook("onSend", async ({ raw }, reply) => {
    // Unless the same connection has brought another request behind this one.
    if (stopping && open.isLast(raw)) reply.header("connection", "close");
  });

  app.addHook("preClose", async () => {
    stopping = true;
    // Idle connections are closed by this, too.
    if (app.server.listening) app.server.close();
    const started = performance.now();
    await open.until((requests) => requests.length === 0, ARRIVE_WITHIN_MS);
    const left = ANSWER_WITHIN_MS - (performance.now() - started);
    await open.until((requests) => !requests.includes("arrived"), left);
  });
});

/** The requests that have no whole answer yet. */
class OpenRequests {
  /** By connection: when that goes, requests behind its first end without any event of their own. */
  readonly #requests = new Map<Socket, Map<IncomingMessage, "arriving" | "arrived">>();
  readonly #watched = new WeakSet<Socket>();
  #changed = () => {};

  add(request: IncomingMessage): void {
    const { socket } = request;
    const requests = this.#requests.get(socket) ?? new Map();
    this.#requests.set(socket, requests.set(request, "arriving"));
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    socket.once("close", () => {
      this.#requests.delete(socket);
      this.#changed();
    });
  }

  arrived(request: IncomingMessage): void {
    const requests = this.#requests.get(request.socket);
    if (requests?.has(request)) requests.set(request, "arrived");
  }

  end(request: IncomingMessage): void {
    const requests = this.#requests.get(request.socket);
    requests?.delete(request);
    if (requests?.size === 0) this.#requests.delete(request.socket);
    this.#changed();
  }

  isLast(request: IncomingMessage): boolean {
    return (this.#requests.get(request.socket)?.size ?? 0) <= 1;
  }

  /** Resolves when the requests are as asked for, or after `ms` milliseconds. */
  async until(asked: (requests: readonly string[]) => boolean, ms: number): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (asked([...this.#requests.values()].flatMap((requests) => [...requests.values()]))) resolve();
      };
    });
    this.#changed();
    await Promise.race([done, wait(Math.max(0, ms), undefined, { ref: false })]);
  }
}
