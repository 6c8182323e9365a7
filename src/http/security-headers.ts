import type { FastifyReply } from "fastify";
import fp from "fastify-plugin";

/**
 * What every answer tells a browser: take the content for what it is said to be, run nothing of it, show it in no
 * frame, keep no copy, send no address on. A page that needs more sets its own `content-security-policy` or
 * `cache-control`, and these leave it alone. HSTS is missing on purpose: the proxy that terminates TLS sets it.
 *
 * Seven lines instead of a package, since the answers that Node writes without Fastify (see clientErrors) need them too.
 */
export const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** Sets what the route itself has not set. */
export function setSecurityHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(securityHeaders)) {
    if (!reply.hasHeader(name)) reply.header(name, value);
  }
}

export const securityHeadersOnEveryAnswer = fp(async (app) => {
  app.addHook("onSend", async (_request, reply) => setSecurityHeaders(reply));
});
