import fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from "fastify";
import { handlerFor } from "../handlers/registry.js";
import { type Clock, systemClock } from "./clock.js";
import type { ServeConfig } from "./config.js";
import type { Database } from "./database/database.js";
import { customerRoutes } from "./http/customer-routes.js";
import { healthRoutes } from "./http/health-routes.js";
import { clientErrors, frameworkErrors, problemDetails } from "./http/problem.js";
import { webhookRoutes } from "./http/webhook-routes.js";
import type { FindHandler } from "./inbox/arrival.js";
import { Inbox, type InboxOptions } from "./inbox/inbox.js";

/** How long a request may take to arrive; whoever sends a byte now and then must not hold a connection for ever. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface AppOptions {
  readonly config: Pick<ServeConfig, "webhook" | "adminApiKey" | "logLevel">;
  readonly database: Database;
  readonly clock?: Clock;
  readonly findHandler?: FindHandler;
  readonly limits?: Pick<InboxOptions, "maxBatch" | "maxQueued" | "maxInFlight">;
  /** Where log lines go; standard output by default. */
  readonly logTo?: { write(line: string): void };
}

export interface App {
  readonly http: FastifyInstance;
  readonly inbox: Inbox;
}

/** Composes the server; it does not listen. Closing `http` drains the inbox, and leaves the database open. */
export async function buildApp(options: AppOptions): Promise<App> {
  const { config, database, clock = systemClock, findHandler = handlerFor } = options;
  const http = fastify({
    logger: loggerOptions(options),
    // No request is logged by itself: addresses and headers are nobody's business, and the inbox logs each event.
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 255 },
    frameworkErrors,
    clientErrorHandler: clientErrors,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Requests that come while it closes are refused by problemDetails, in our words.
    return503OnClosing: false,
  });
  const inbox = new Inbox({ database, clock, log: http.log, findHandler, ...options.limits });
  http.addHook("onClose", () => inbox.close());

  await http.register(problemDetails);
  await http.register(healthRoutes({ database }));
  await http.register(webhookRoutes({ webhook: config.webhook, inbox }));
  await http.register(customerRoutes({ database, clock, adminApiKey: config.adminApiKey }));
  return { http, inbox };
}

function loggerOptions({ config, logTo }: AppOptions): NonNullable<FastifyServerOptions["logger"]> {
  return { level: config.logLevel, base: null, ...(logTo ? { stream: logTo } : {}) };
}
