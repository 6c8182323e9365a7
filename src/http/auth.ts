import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import fp from "fastify-plugin";
import { FailedAuthorizations } from "./failed-authorizations.js";
import { Problem } from "./problem.js";
import { RefusalLog } from "./refusal-log.js";

declare module "fastify" {
  interface FastifyInstance {
    failedAuthorizations: FailedAuthorizations;
    refusedAuthorizations: RefusalLog;
  }
}

/** What all routes behind a key share: the count of wrong keys, and the log of them. */
export const authorization = fp(async (app) => {
  app.decorate("failedAuthorizations", new FailedAuthorizations());
  app.decorate("refusedAuthorizations", new RefusalLog(app.log, "authorization refused"));
});

/**
 * Admits requests with `Authorization: Bearer <secret>`. Without a configured secret nobody is admitted: the route
 * answers 503 and says which variable opens it. Who sends more than twenty wrong keys a minute gets 429 for them.
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
    if (!admitted) refuse(request, reply);
  };
}

function refuse({ server, ip }: FastifyRequest, reply: FastifyReply): never {
  const waitSeconds = server.failedAuthorizations.note(ip);
  const problem =
    waitSeconds === undefined
      ? new Problem(401, "unauthorized", "Send Authorization: Bearer with the right key.")
      : new Problem(429, "too_many_failures", "Too many wrong keys. Try again later.", waitSeconds);
  server.refusedAuthorizations.tell({ code: problem.code });
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  throw problem;
}

/** In constant time whatever the lengths, since digests have one length. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
