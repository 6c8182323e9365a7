import cookie from "@fastify/cookie";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import type { Clock } from "./clock.js";
import type { ServeConfig } from "./config.js";
import type { Database } from "./database/database.js";
import { adminRoutes } from "./http/admin-routes.js";
import { authorization, sessionsOf } from "./http/auth.js";
import { cronRoutes } from "./http/cron-routes.js";
import { draining } from "./http/draining.js";
import { healthRoutes } from "./http/health-routes.js";
import { openapi } from "./http/openapi.js";
import { clientErrors, frameworkErrors, problemDetails } from "./http/problem.js";
import { securityHeadersOnEveryAnswer } from "./http/security-headers.js";
import { sessionRoutes } from "./http/session-routes.js";
import { misdirectedDeliveries, toWebhookRoute } from "./http/webhook-address.js";
import { webhookRoutes } from "./http/webhook-routes.js";
import type { Inbox } from "./inbox/inbox.js";
import type { Sweeps } from "./sweep/background.js";

/** How long a request may take to arrive; a client that sends a byte now and then does not hold a connection. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Of that, for the head. Were it longer than the whole, as Node's own minute is, Node would take each for the other. */
const HEADERS_TIMEOUT_MS = 15_000;

/** How often connections are looked through for such requests; Node's own half minute would double their time. */
const CHECK_CONNECTIONS_EVERY_MS = 5_000;

/**
 * Twice as many as events may wait. Beyond it a new connection is closed at once: were the process to run out of file
 * descriptors, it could not even reach its database.
 */
const MAX_CONNECTIONS = 4_096;

/** What the routes work with. The caller ends these parts after the server is closed. */
export interface AppParts {
  readonly config: Pick<ServeConfig, "webhook"> & Partial<Pick<ServeConfig, "adminApiKey" | "cronSecret">>;
  readonly database: Database;
  readonly clock: Clock;
  readonly inbox: Pick<Inbox, "receive">;
  readonly sweeps: Pick<Sweeps, "run" | "recomputeAllDue">;
  readonly log: FastifyBaseLogger;
}

export interface App {
  readonly http: FastifyInstance;
  /** Every route there is. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
}

/** Composes the HTTP server; it does not listen. */
export async function buildApp({ config, database, clock, inbox, sweeps, log }: AppParts): Promise<App> {
  const { webhook, adminApiKey, cronSecret } = config;
  const http = fastify({
    loggerInstance: log,
    // No request is logged by itself: addresses and headers are private, and the inbox logs each event.
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 255 },
    rewriteUrl: toWebhookRoute(webhook.notificationUrl),
    frameworkErrors,
    clientErrorHandler: clientErrors,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_CONNECTIONS_EVERY_MS,
      // `problemDetails` requires it, in our words.
      requireHostHeader: false,
    },
    // `draining` refuses requests that come while it closes, in our words, and says when connections are closed.
    return503OnClosing: false,
    forceCloseConnections: true,
  });
  http.server.maxConnections = MAX_CONNECTIONS;
  const routes: { method: string; url: string }[] = [];
  http.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url });
  });

  await http.register(securityHeadersOnEveryAnswer);
  await http.register(problemDetails);
  await http.register(draining);
  await http.register(misdirectedDeliveries(webhook.notificationUrl));
  await http.register(authorization);
  await http.register(cookie);
  await http.register(openapi);
  await http.register(healthRoutes({ database }));
  await http.register(webhookRoutes({ webhook, inbox }));
  await http.register(cronRoutes({ sweeps, cronSecret }));
  const sessions = adminApiKey === undefined ? undefined : sessionsOf(adminApiKey, clock);
  await http.register(sessionRoutes({ sessions }));
  await http.register(adminRoutes({ sessions, database, clock, sweeps }));
  return { http, routes };
}
