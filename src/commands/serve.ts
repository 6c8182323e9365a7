import { Command } from "commander";
import { type App, type AppOptions, buildApp } from "../app.js";
import { systemClock } from "../clock.js";
import { readEnvFile } from "../config/env-file.js";
import { type Config, loadConfig, type ServeConfig } from "../config.js";
import { type Database, openDatabase } from "../database/database.js";
import { migrate } from "../database/migrate.js";
import { describeFailure, RegularsError } from "../errors.js";
import { RetryWorker } from "../inbox/retry-worker.js";
import type { Log } from "../log.js";
import { requireUsableDatabase } from "../operations/database-checks.js";
import { encryptAccessToken } from "../organizations/access-token.js";
import { addOrganization, holdsAccessToken } from "../organizations/organizations.js";
import { Schedule } from "../sweep/schedule.js";
import { trySyncOrganizationProfile } from "./introduce.js";
import { reconcileContext } from "./reconcile-context.js";

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
      "\nConfigured by environment variables (see the README); .env is read when present.",
    )
    .action(async () => {
      readEnvFile();
      const server = await startServer(loadConfig(process.env, { require: "serve" }));
      stopOnSignal(server);
    });
}

export interface RunningServer {
  readonly database: Database;
  readonly app: App;
  /** Where it listens, such as `http://127.0.0.1:3000`. */
  readonly address: string;
  /** Resolves when Square was asked what the configured organization is; at once when there is nothing to ask. */
  readonly introduced: Promise<void>;
  /** Takes nothing new, finishes what it took, closes the database. */
  stop(): Promise<void>;
}

/**
 * Opens the database, brings its schema up to date, and listens.
 *
 * @throws SchemaMismatch on a schema this version does not know; DataDirInUse when another server owns the folder
 * @throws {RegularsError} `cannot_listen`, `no_encryption_key`
 */
export async function startServer(
  config: ServeConfig,
  logTo?: { write(line: string): void },
): Promise<RunningServer> {
  const database = await openDatabase({
    ...config.database,
    role: "server",
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  try {
    await requireUsableDatabase(database, { writes: true });
    const applied = await migrate(database);
    if (!config.tokenEncryptionKey) await refuseStoredTokens(database);
    const reconcileWith: AppOptions["reconcileWith"] = (parts) => reconcileContext(database, config, parts);
    const app = await buildApp({ config, database, reconcileWith, ...(logTo && { logTo }) });
    const { log } = app.http;
    if (applied.length > 0) log.info({ migrations: applied }, "schema brought up to date");
    const configured = await ensureConfiguredOrganization(config, database, app);
    const worker = new RetryWorker(app.inbox, log);
    const { reconcileSchedule } = config;
    const schedule =
      reconcileSchedule === "off" ? undefined : new Schedule(app.sweeps, log, reconcileSchedule);
    const address = await listen(app, config);
    worker.start();
    schedule?.start();
    // Only now, so that a Square that does not answer keeps no webhook out.
    const stopping = new AbortController();
    const introduced =
      configured === undefined
        ? Promise.resolve()
        : introduce(database, config, log, configured, stopping.signal);
    introduced.catch((error: unknown) =>
      log.warn({ reason: describeFailure(error) }, "organization not learnt"),
    );
    const stop = async () => {
      schedule?.stop();
      stopping.abort();
      await app.http.close();
      await worker.stop();
      await introduced.catch(() => {});
      await database.close();
    };
    return { database, app, address, introduced, stop };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function listen({ http }: App, { host, port }: ServeConfig): Promise<string> {
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

/**
 * The single-merchant shortcut: SQUARE_MERCHANT_ID makes its organization, SQUARE_ACCESS_TOKEN is stored with it. The
 * same token at the next start is no new authorization: it must not undo a revocation.
 *
 * @returns the organization, when Square is to be asked what it is
 */
async function ensureConfiguredOrganization(
  { square, tokenEncryptionKey }: ServeConfig,
  database: Database,
  app: App,
): Promise<string | undefined> {
  const { merchantId, accessToken } = square;
  if (merchantId === undefined) return undefined;
  const isNew =
    accessToken !== undefined &&
    tokenEncryptionKey !== undefined &&
    !(await holdsAccessToken(database, merchantId, accessToken, tokenEncryptionKey));
  const token = isNew && {
    accessTokenCiphertext: encryptAccessToken(tokenEncryptionKey, merchantId, accessToken),
  };
  const { id, created } = await addOrganization(database, { merchantId, ...token }, systemClock());
  if (created) app.http.log.info({ organization_id: id }, "organization made from SQUARE_MERCHANT_ID");
  if (accessToken === undefined) return undefined;
  const { name } = await database.prisma.organization.findUniqueOrThrow({ where: { id } });
  // One that Square could not be asked about goes by its merchant id still.
  return isNew || name === merchantId ? id : undefined;
}

/** Name, currency, time zone and locations, as Square has them. Without an answer the server serves all the same. */
async function introduce(
  database: Database,
  config: Config,
  log: Log,
  organizationId: string,
  stopping: AbortSignal,
): Promise<void> {
  const told = await trySyncOrganizationProfile(database, config, organizationId, {}, stopping);
  const fields = { organization_id: organizationId };
  if ("failed" in told) {
    log.warn({ ...fields, reason: told.failed }, "Square could not be asked about the organization");
    return;
  }
  log.info({ ...fields, locations: told.locations }, "organization as Square has it");
  if (told.missingScopes.length > 0) {
    const missing_scopes = told.missingScopes;
    log.warn({ ...fields, missing_scopes }, "the access token may not read everything");
  }
}

/** Stops on SIGTERM or SIGINT and exits 0; a second signal, or ten seconds, end it at once with 1. */
export function stopOnSignal(server: Pick<RunningServer, "stop" | "app">): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    server.app.http.log.info({ signal }, "stopping");
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
