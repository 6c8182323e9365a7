import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import fp from "fastify-plugin";
import { Problem } from "./problem.js";
import { RefusalLog } from "./refusal-log.js";

declare module "fastify" {
  interface FastifyInstance {
    refusedAuthorizations: RefusalLog;
  }
}

/** What all routes behind a key share: the log of wrong keys. */
export const authorization = fp(async (app) => {
  app.decorate("refusedAuthorizations", new RefusalLog(app.log, "authorization refused"));
});

/**
 * Admits requests with `Authorization: Bearer <secret>`. Without a configured secret nobody is admitted: the route
 * answers 503 and says which variable opens it.
 *
 * @param variable the environment variable that holds the secret
 */
export function requireBearer(secret: string | undefined, variable: string): onRequestHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (secret === undefined) {
      throw new Problem(503, "not_configured", `This route is closed: set ${variable} to open it.`);
    }
    const [scheme, token, ...rest] = (request.headers.authorization ?? "").split(" ");
    const admitted = scheme?.toLowerCase() === "bearer" && rest.length === 0 && isEqual(token ?? "", secret);
    if (admitted) return;
    const problem = new Problem(401, "unauthorized", "Send Authorization: Bearer with the right key.");
    request.server.refusedAuthorizations.tell({ code: problem.code });
    reply.header("www-authenticate", "Bearer");
    throw problem;
  };
}

/** In constant time whatever the lengths, since digests have one length. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
