import type { IncomingMessage } from "node:http";
import fp from "fastify-plugin";
import { RefusalLog } from "./refusal-log.js";

export const WEBHOOK_ROUTE = "/webhooks/square";

export const SIGNATURE_HEADER = "x-square-hmacsha256-signature";

const ONE_MINUTE_MS = 60_000;

/**
 * Brings deliveries to the webhook route, for Fastify's option `rewriteUrl`. Square posts to the path that was subscribed, and that is
 * whatever somebody has typed there.
 */
export function toWebhookRoute(notificationUrl: string): (request: IncomingMessage) => string {
  const served = new Set(
    [WEBHOOK_ROUTE, pathOf(notificationUrl)].flatMap((path) => {
      const bare = path.replace(/\/$/, "");
      return [bare, `${bare}/`];
    }),
  );
  return ({ method, url = "" }) => (method === "POST" && served.has(pathOf(url)) ? WEBHOOK_ROUTE : url);
}

/** Logs deliveries to any other path, once a minute: each is answered 404, and nobody at Square tells. */
export function misdirectedDeliveries(notificationUrl: string) {
  return fp(async (app) => {
    const log = new RefusalLog(app.log, "a delivery came to a path that is not served", {
      everyMs: ONE_MINUTE_MS,
    });
    app.addHook("onRequest", async ({ method, headers, routeOptions }) => {
      if (method !== "POST" || headers[SIGNATURE_HEADER] === undefined) return;
      if (routeOptions.url === WEBHOOK_ROUTE) return;
      log.tell({ code: "not_found", served: pathOf(notificationUrl) });
    });
  });
}

/** @param url absolute, or a path with its query */
function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : (url.split("?", 1)[0] ?? "");
}
