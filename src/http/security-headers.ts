import type { FastifyReply } from "fastify";
import fp from "fastify-plugin";

/**
 * The security headers of every answer. A browser trusts the content type, runs no content, shows it in no frame,
 * keeps no copy, and sends no referrer. A page that needs more sets its own `content-security-policy` or
 * `cache-control`. HSTS is not here, because the proxy that terminates TLS sets it.
 *
 * A package would not cover the answers that are sent without Fastify (see clientErrors).
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

/** Sets the headers that the route has not set. */
export function setSecurityHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(securityHeaders)) {
    if (!reply.hasHeader(name)) reply.header(name, value);
  }
}

export const securityHeadersOnEveryAnswer = fp(async (app) => {
  app.addHook("onSend", async (_request, reply) => setSecurityHeaders(reply));
});
