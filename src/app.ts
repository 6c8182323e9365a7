import fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from "fastify";
import { handlerFor } from "../handlers/registry.js";
import { type Clock, systemClock } from "./clock.js";
import type { ServeConfig } from "./config.js";
import type { Database } from "./database/database.js";
import { RegularsError } from "./errors.js";
import { authorization } from "./http/auth.js";
import { cronRoutes } from "./http/cron-routes.js";
import { customerRoutes } from "./http/customer-routes.js";
import { draining } from "./http/draining.js";
import { healthRoutes } from "./http/health-routes.js";
import { clientErrors, frameworkErrors, problemDetails } from "./http/problem.js";
import { securityHeadersOnEveryAnswer } from "./http/security-headers.js";
import { statusRoutes } from "./http/status-routes.js";
import { webhookRoutes } from "./http/webhook-routes.js";
import type { FindHandler } from "./inbox/arrival.js";
import { Inbox, type InboxOptions } from "./inbox/inbox.js";
import { FetchWorker } from "./pull/fetch-worker.js";
import type { SweepContext } from "./sweep/context.js";
import { Sweeps } from "./sweep/running-sweeps.js";

/** How long a request may take to arrive; whoever sends a byte now and then must not hold a connection for ever. */
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

export interface AppOptions {
  readonly config: Pick<ServeConfig, "webhook" | "adminApiKey" | "logLevel"> &
    Partial<Pick<ServeConfig, "cronSecret" | "eventRetentionDays">>;
  readonly database: Database;
  readonly clock?: Clock;
  readonly findHandler?: FindHandler;
  readonly limits?: Pick<InboxOptions, "maxBatch" | "maxQueued" | "maxInFlight">;
  /** What reconciliation works with, of which the app has this much; without it nothing is asked of Square. */
  readonly reconcileWith?: (parts: {
    readonly inbox: Inbox;
    readonly log: SweepContext["log"];
    readonly signal: AbortSignal;
  }) => SweepContext;
  /** Where log lines go; standard output by default. */
  readonly logTo?: { write(line: string): void };
}

export interface App {
  readonly http: FastifyInstance;
  readonly inbox: Inbox;
  readonly sweeps: Sweeps;
  /** Every route there is. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
}

/** Composes the server; it does not listen. Closing `http` drains the inbox, and leaves the database open. */
export async function buildApp(options: AppOptions): Promise<App> {
  const { config, database, clock = systemClock } = options;
  const http = fastify({
    logger: loggerOptions(options),
    // No request is logged by itself: addresses and headers are nobody's business, and the inbox logs each event.
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 255 },
    frameworkErrors,
    clientErrorHandler: clientErrors,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_CONNECTIONS_EVERY_MS,
    },
    // `draining` refuses requests that come while it closes, in our words, and says when connections are closed.
    return503OnClosing: false,
    forceCloseConnections: true,
  });
  http.server.maxConnections = MAX_CONNECTIONS;
  const { inbox, sweeps } = workOf(options, http);
  const routes: { method: string; url: string }[] = [];
  http.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url });
  });

  await http.register(securityHeadersOnEveryAnswer);
  await http.register(problemDetails);
  await http.register(draining);
  await http.register(authorization);
  await http.register(healthRoutes({ database }));
  await http.register(webhookRoutes({ webhook: config.webhook, inbox }));
  await http.register(customerRoutes({ database, clock, adminApiKey: config.adminApiKey }));
  await http.register(cronRoutes({ sweeps, cronSecret: config.cronSecret }));
  await http.register(statusRoutes({ database, clock, adminApiKey: config.adminApiKey }));
  return { http, inbox, sweeps, routes };
}

/** What goes on behind the routes. It is told of the server's stop before the routes are, and ends after them. */
function workOf(options: AppOptions, http: FastifyInstance): Pick<App, "inbox" | "sweeps"> {
  const { database, config, clock = systemClock, findHandler = handlerFor, reconcileWith } = options;
  const inbox = new Inbox({
    database,
    clock,
    log: http.log,
    findHandler,
    onFetchesMarked: (organizationId) => fetches?.schedule(organizationId),
    ...options.limits,
  });
  const stopping = new AbortController();
  const parts = { inbox, log: http.log, signal: stopping.signal };
  const context = reconcileWith?.(parts) ?? { database, clock, openApi: withoutSquare, ...parts };
  const { eventRetentionDays } = config;
  const sweeps = new Sweeps(context, eventRetentionDays === undefined ? {} : { eventRetentionDays });
  const fetches = reconcileWith && new FetchWorker(context);
  http.addHook("preClose", async () => stopping.abort());
  http.addHook("onClose", async () => {
    await Promise.all([sweeps.idle(), fetches?.stop()]);
    await inbox.close();
  });
  return { inbox, sweeps };
}

function withoutSquare(): never {
  throw new RegularsError("not_connected", "This server has no access to Square.");
}

function loggerOptions({ config, logTo }: AppOptions): NonNullable<FastifyServerOptions["logger"]> {
  return { level: config.logLevel, base: null, ...(logTo ? { stream: logTo } : {}) };
}
