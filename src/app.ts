import cookie from "@fastify/cookie";
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import type { Clock } from "./clock.js";
import type { ServeConfig } from "./config.js";
import type { Database } from "./database/database.js";
import type { Replica } from "./database/replica.js";
import { adminRoutes } from "./http/admin-routes.js";
import { authorization, sessionsOf } from "./http/auth.js";
import { connectRoutes } from "./http/connect-routes.js";
import { cronRoutes } from "./http/cron-routes.js";
import { dashboardRoutes } from "./http/dashboard-routes.js";
import { draining } from "./http/draining.js";
import { healthRoutes } from "./http/health-routes.js";
import { jsonBodies } from "./http/json-bodies.js";
import { liveStreams } from "./http/live-routes.js";
import { metricsRoutes } from "./http/metrics-routes.js";
import { openapi } from "./http/openapi.js";
import { clientErrors, frameworkErrors, problemDetails } from "./http/problem.js";
import { securityHeadersOnEveryAnswer } from "./http/security-headers.js";
import { sessionRoutes } from "./http/session-routes.js";
import { misdirectedDeliveries, toWebhookRoute } from "./http/webhook-address.js";
import { webhookRoutes } from "./http/webhook-routes.js";
import type { Inbox } from "./inbox/inbox.js";
import type { LiveFeed } from "./inbox/live-feed.js";
import type { Connections } from "./operations/connections.js";
import type { SubscriptionWatch } from "./operations/subscription-watch.js";
import type { Sweeps } from "./sweep/background.js";

/** How long a request may take to arrive. This limits clients that send very slowly. */
const REQUEST_TIMEOUT_MS = 30_000;

/** How long the head may take. It must be shorter than the whole request. Node swaps the two limits otherwise. */
const HEADERS_TIMEOUT_MS = 15_000;

/** Node's default. */
const LONGEST_HEAD_BYTES = 16_384;

/** How often connections are checked against these limits. Node's default of 30 seconds would double the limits. */
const CHECK_CONNECTIONS_EVERY_MS = 5_000;

/**
 * Twice the number of events that may wait. Further connections are closed at once. Without this limit the process
 * could run out of file descriptors and lose its database connections.
 */
const MAX_CONNECTIONS = 4_096;

/** What the routes need. The caller closes these parts after the server is closed. */
export interface AppParts {
  readonly config: Pick<ServeConfig, "webhook"> & Partial<Pick<ServeConfig, "adminApiKey" | "cronSecret">>;
  readonly database: Database;
  /** Where reports and lists are read. Without it they are read from `database`. */
  readonly replica?: Pick<Replica, "read" | "status"> | undefined;
  /** How the webhook subscription stands. Undefined when it is not checked. */
  readonly subscription?: Pick<SubscriptionWatch, "status"> | undefined;
  readonly clock: Clock;
  readonly inbox: Pick<Inbox, "receive" | "redrive" | "queued" | "onBatch">;
  readonly feed: Pick<LiveFeed, "subscribe">;
  readonly sweeps: Pick<Sweeps, "run" | "recomputeAllDue">;
  /** Connects sellers. Undefined without an application: its routes answer 503 then. */
  readonly connections?: Connections | undefined;
  readonly log: FastifyBaseLogger;
  /** The folder of the built dashboard; found by itself when left out. */
  readonly dashboard?: string | undefined;
  /** How many rows of a list are read at once for its CSV; each list has a default that suits its rows. */
  readonly csvPage?: number | undefined;
}

export interface App {
  readonly http: FastifyInstance;
  /** Every registered route. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
}

/** Composes the HTTP server. It does not listen. */
export async function buildApp({
  config,
  database,
  replica,
  subscription,
  clock,
  inbox,
  feed,
  sweeps,
  connections,
  log,
  dashboard,
  csvPage,
}: AppParts): Promise<App> {
  const { webhook, adminApiKey, cronSecret } = config;
  const http = fastify({
    loggerInstance: log,
    // Requests are not logged, because addresses and headers are personal data. The inbox logs each event.
    logController: new LogController({ disableRequestLogging: true }),
    // Node reads no longer head. So the schemas refuse a long part of an address, behind the key, and name it.
    routerOptions: { maxParamLength: LONGEST_HEAD_BYTES },
    rewriteUrl: toWebhookRoute(webhook.notificationUrl),
    frameworkErrors,
    clientErrorHandler: clientErrors,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_CONNECTIONS_EVERY_MS,
      // `problemDetails` requires the header and answers problem+json.
      requireHostHeader: false,
    },
    // `draining` refuses requests while the server closes, answers problem+json, and closes the connections.
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
  await http.register(liveStreams);
  await http.register(draining);
  await http.register(misdirectedDeliveries(webhook.notificationUrl));
  await http.register(jsonBodies);
  await http.register(authorization);
  await http.register(cookie);
  await http.register(openapi);
  await http.register(healthRoutes({ database }));
  await http.register(metricsRoutes({ database, replica, subscription, clock, inbox }));
  await http.register(webhookRoutes({ webhook, inbox }));
  await http.register(cronRoutes({ sweeps, cronSecret }));
  const sessions = adminApiKey === undefined ? undefined : sessionsOf(adminApiKey, clock);
  await http.register(sessionRoutes({ sessions }));
  await http.register(connectRoutes({ sessions, connections, clock }));
  await http.register(dashboardRoutes(dashboard));
  await http.register(
    adminRoutes({ sessions, database, replica, subscription, clock, inbox, feed, sweeps, csvPage }),
  );
  return { http, routes };
}
