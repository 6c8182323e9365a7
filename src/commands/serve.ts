import { Command } from "commander";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { buildApp } from "../app.js";
import { systemClock } from "../clock.js";
import { readEnvFile } from "../config/env-file.js";
import { loadConfig, type ServeConfig } from "../config.js";
import { type Database, openDatabase } from "../database/database.js";
import { holdsCluster } from "../database/embedded/cluster-folder.js";
import { migrate } from "../database/migrate.js";
import { Replica } from "../database/replica.js";
import { describeFailure, RegularsError } from "../errors.js";
import { makeEventMonths } from "../inbox/event-months.js";
import { Inbox } from "../inbox/inbox.js";
import { LiveFeed } from "../inbox/live-feed.js";
import { RetryWorker } from "../inbox/retry-worker.js";
import { type Log, openLog } from "../log.js";
import { openConnections } from "../operations/connections.js";
import { requireUsableDatabase } from "../operations/database-checks.js";
import { SubscriptionWatch } from "../operations/subscription-watch.js";
import { FetchWorker } from "../pull/fetch-worker.js";
import { Sweeps } from "../sweep/background.js";
import { Schedule } from "../sweep/schedule.js";
import { startTracing } from "../tracing.js";
import { ensureConfiguredOrganization, syncConfiguredOrganization } from "./configured-organization.js";
import { subscriptionsOf } from "./context.js";
import { jsonLinesOption } from "./options.js";
import { onStopSignal } from "./stop-signal.js";
import { sweepContext } from "./sweep-context.js";

/** How long a stopping server may take to finish its work. */
const STOP_WITHIN_MS = 10_000;

/** Less than the ten seconds that Square waits for an answer. A webhook's statements take milliseconds. */
const QUERY_TIMEOUT_MS = 8_000;

const HELP = `
Environment variables configure the server (see docs/configuration.md). It reads .env if the file exists. Its log is
JSON with and without --json.

Examples:
  regulars serve
  PORT=8080 regulars serve`;

export function serveCommand(): Command {
  return new Command("serve")
    .description(
      "Run the server: the webhook endpoint, the API, the retries of deferred events, and the scheduled sweep.",
    )
    .addOption(jsonLinesOption())
    .addHelpText("after", HELP)
    .action(async () => {
      readEnvFile();
      const server = await startServer(loadConfig(process.env, { require: "serve" }));
      stopOnSignal(server);
    });
}

export interface RunningServer {
  readonly database: Database;
  readonly log: Log;
  /** The address it listens on, such as `http://127.0.0.1:3000`. */
  readonly address: string;
  readonly sweeps: Pick<Sweeps, "run">;
  /** Tells readers of the live stream what another inbox has stored. */
  readonly feed: Pick<LiveFeed, "publish">;
  /**
   * Resolves when the configured organization's profile was read from Square, or at once when there is none to read.
   */
  readonly introduced: Promise<void>;
  /** Refuses new work, finishes running work, and closes the database. */
  stop(): Promise<void>;
}

/**
 * Opens the database, brings its schema up to date, builds every part of the server, and listens.
 *
 * @throws SchemaMismatch when this build does not know the schema
 * @throws DataDirInUse when another server owns the folder
 * @throws RegularsError `cannot_listen`, `no_encryption_key`
 */
export async function startServer(
  config: ServeConfig,
  log = openLog(config.logLevel),
): Promise<RunningServer> {
  const { databaseUrl, dataDir } = config.database;
  if (databaseUrl === undefined && !holdsCluster(dataDir))
    log.info({ data_dir: dataDir }, "making the embedded database, which may take half a minute");
  const database = await openDatabase({
    ...config.database,
    role: "server",
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  try {
    await requireUsableDatabase(database, { writes: true });
    return await startOn(database, config, log);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function startOn(database: Database, config: ServeConfig, log: Logger): Promise<RunningServer> {
  const applied = await migrate(database);
  if (applied.length > 0) log.info({ migrations: applied }, "schema brought up to date");
  await makeEventMonths(database.pool, systemClock());
  if (!config.tokenEncryptionKey) await refuseStoredTokens(database);
  const configured = await ensureConfiguredOrganization(config, database, log);

  const stopping = new AbortController();
  const inbox = new Inbox({ database, clock: systemClock, log });
  const feed = new LiveFeed(database, log);
  inbox.onChanges((changes) => feed.publish(changes));
  const context = sweepContext(database, config, { log, inbox, signal: stopping.signal });
  const fetches = new FetchWorker(context);
  inbox.onFetchesMarked((organizationId) => fetches.schedule(organizationId));
  const retries = new RetryWorker(inbox, log);
  const sweeps = new Sweeps(context, { retention: config.retention });
  const { reconcileSchedule } = config;
  const schedule = reconcileSchedule === "off" ? undefined : new Schedule(sweeps, log, reconcileSchedule);
  const replica = await openReplica(config, database, log);
  const connections = openConnections(context);
  const subscription = watchSubscription(config, log, stopping.signal);
  const parts = {
    config,
    database,
    replica,
    subscription,
    clock: systemClock,
    inbox,
    feed,
    sweeps,
    connections,
    log,
  };
  const { http } = await buildApp(parts);

  const stopTracing = config.tracing && (await startTracing(config.tracing, log));
  const address = await listen(http, config);
  feed.start();
  replica?.start();
  subscription?.start();
  retries.start();
  schedule?.start();
  // After listening, so that webhooks need not wait for Square's answer.
  const introduced = configured
    ? syncConfiguredOrganization(database, config, log, configured, stopping.signal).catch((error) =>
        log.warn({ reason: describeFailure(error) }, "organization profile not stored"),
      )
    : Promise.resolve();
  const stop = async () => {
    schedule?.stop();
    stopping.abort();
    await http.close();
    await Promise.all([sweeps.idle(), fetches.stop(), retries.stop(), introduced]);
    await inbox.close();
    await feed.stop();
    await replica?.stop();
    await subscription?.stop();
    await database.close();
    await stopTracing?.();
  };
  return { database, log, address, sweeps, feed, introduced, stop };
}

async function openReplica(
  { database: { readUrl, poolSize } }: ServeConfig,
  { pool }: Database,
  log: Logger,
): Promise<Replica | undefined> {
  if (readUrl === undefined) return undefined;
  return Replica.open({ primary: pool, url: readUrl, log, poolSize, queryTimeoutMs: QUERY_TIMEOUT_MS });
}

/** Undefined without the application's access token. */
function watchSubscription(
  { square, webhook }: ServeConfig,
  log: Log,
  signal: AbortSignal,
): SubscriptionWatch | undefined {
  const api = subscriptionsOf(square, { timeoutMs: 10_000, attempts: 2, signal });
  return api && new SubscriptionWatch({ api, webhook, clock: systemClock, log });
}

async function listen(http: FastifyInstance, { host, port }: ServeConfig): Promise<string> {
  try {
    return await http.listen({ host, port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RegularsError("cannot_listen", `Cannot listen on HOST ${host}, PORT ${port}: ${reason}`, {
      cause,
    });
  }
}

/** Refuses to start with stored tokens and no key. The first call to Square would fail otherwise. */
async function refuseStoredTokens({ prisma }: Database): Promise<void> {
  if ((await prisma.organization.count({ where: { accessTokenCiphertext: { not: null } } })) === 0) return;
  throw new RegularsError(
    "no_encryption_key",
    "The database holds an access token. Set TOKEN_ENCRYPTION_KEY to the key that encrypted it.",
  );
}

/** Stops on SIGTERM or SIGINT and exits with 0. After a later signal or ten seconds it exits at once with 1. */
export function stopOnSignal(server: Pick<RunningServer, "stop" | "log">): void {
  onStopSignal((signal) => {
    server.log.info({ signal }, "stopping");
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
