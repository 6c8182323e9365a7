import type { IncomingMessage } from "node:http";
import fp from "fastify-plugin";
import { RefusalLog } from "./refusal-log.js";

export const WEBHOOK_ROUTE = "/webhooks/square";

export const SIGNATURE_HEADER = "x-square-hmacsha256-signature";

const ONE_MINUTE_MS = 60_000;

/**
 * Routes deliveries to the webhook route. It is Fastify's option `rewriteUrl`. Square posts to the subscribed path,
 * which can be any path.
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

/** Logs deliveries to other paths, at most once a minute. They are answered 404, and Square does not report that. */
export function misdirectedDeliveries(notificationUrl: string) {
  return fp(async (app) => {
    const log = new RefusalLog(app.log, "a delivery came to a path that is not served", {
      everyMs: ONE_MINUTE_MS,
    });
    app.addHook("onRequest", async ({ method, headers, routeOptions }) => {
      if (method !== "POST" || headers[SIGNATURE_HEADER] === undefined) return;
      if (routeOptions.url === WEBHOOK_ROUTE) return;
      log.record({ code: "not_found", served: pathOf(notificationUrl) });
    });
  });
}

/** @param url absolute, or a path with its query */
function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : (url.split("?", 1)[0] ?? "");
}
