import { Command } from "commander";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { buildApp } from "../app.js";
import { systemClock } from "../clock.js";
import { readEnvFile } from "../config/env-file.js";
import { loadConfig, type ServeConfig } from "../config.js";
import { type Database, openDatabase } from "../database/database.js";
import { migrate } from "../database/migrate.js";
import { describeFailure, RegularsError } from "../errors.js";
import { Inbox } from "../inbox/inbox.js";
import { RetryWorker } from "../inbox/retry-worker.js";
import { type Log, openLog } from "../log.js";
import { requireUsableDatabase } from "../operations/database-checks.js";
import { FetchWorker } from "../pull/fetch-worker.js";
import { Sweeps } from "../sweep/background.js";
import { Schedule } from "../sweep/schedule.js";
import { ensureConfiguredOrganization, syncConfiguredOrganization } from "./configured-organization.js";
import { sweepContext } from "./sweep-context.js";

/** How long a stopping server may take to finish what it took. */
const STOP_WITHIN_MS = 10_000;

/** Square waits ten seconds for an answer; every statement of a webhook takes milliseconds. */
const QUERY_TIMEOUT_MS = 8_000;

export function serveCommand(): Command {
  return new Command("serve")
    .description(
      "Run the server: the webhook door, the API, the retries of deferred events, and the scheduled sweep.",
    )
    .addHelpText(
      "after",
      "\nConfigured by environment variables (see docs/configuration.md); .env is read when present.",
    )
    .action(async () => {
      readEnvFile();
      const server = await startServer(loadConfig(process.env, { require: "serve" }));
      stopOnSignal(server);
    });
}

export interface RunningServer {
  readonly database: Database;
  readonly log: Log;
  /** Where it listens, such as `http://127.0.0.1:3000`. */
  readonly address: string;
  /** Resolves when Square was asked what the configured organization is; at once when there is nothing to ask. */
  readonly introduced: Promise<void>;
  /** Takes nothing new, finishes what it took, closes the database. */
  stop(): Promise<void>;
}

/**
 * Opens the database, brings its schema up to date, builds every part of the server, and listens.
 *
 * @throws SchemaMismatch on a schema this version does not know; DataDirInUse when another server owns the folder
 * @throws {RegularsError} `cannot_listen`, `no_encryption_key`
 */
export async function startServer(
  config: ServeConfig,
  log = openLog(config.logLevel),
): Promise<RunningServer> {
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
  if (!config.tokenEncryptionKey) await refuseStoredTokens(database);
  const configured = await ensureConfiguredOrganization(config, database, log);

  const stopping = new AbortController();
  const inbox = new Inbox({ database, clock: systemClock, log });
  const context = sweepContext(database, config, { log, inbox, signal: stopping.signal });
  const fetches = new FetchWorker(context);
  inbox.onFetchesMarked((organizationId) => fetches.schedule(organizationId));
  const retries = new RetryWorker(inbox, log);
  const sweeps = new Sweeps(context, { eventRetentionDays: config.eventRetentionDays });
  const { reconcileSchedule } = config;
  const schedule = reconcileSchedule === "off" ? undefined : new Schedule(sweeps, log, reconcileSchedule);
  const { http } = await buildApp({ config, database, clock: systemClock, inbox, sweeps, log });

  const address = await listen(http, config);
  retries.start();
  schedule?.start();
  // Only now, so that a Square that does not answer keeps no webhook out.
  const introduced = configured
    ? syncConfiguredOrganization(database, config, log, configured, stopping.signal).catch((error) =>
        log.warn({ reason: describeFailure(error) }, "organization not learnt"),
      )
    : Promise.resolve();
  const stop = async () => {
    schedule?.stop();
    stopping.abort();
    await http.close();
    await Promise.all([sweeps.idle(), fetches.stop(), retries.stop(), introduced]);
    await inbox.close();
    await database.close();
  };
  return { database, log, address, introduced, stop };
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

/** Found out now, rather than by the first call to Square. */
async function refuseStoredTokens({ prisma }: Database): Promise<void> {
  if ((await prisma.organization.count({ where: { accessTokenCiphertext: { not: null } } })) === 0) return;
  throw new RegularsError(
    "no_encryption_key",
    "The database holds an access token: set TOKEN_ENCRYPTION_KEY, with which it was encrypted.",
  );
}

/** Stops on SIGTERM or SIGINT and exits 0; a second signal, or ten seconds, end it at once with 1. */
export function stopOnSignal(server: Pick<RunningServer, "stop" | "log">): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    server.log.info({ signal }, "stopping");
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
