import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { type DatabaseAddress, readDatabaseUrl } from "../config/database-url.js";
import type { DatabaseConfig } from "../config.js";
import { openEmbedded } from "./embedded/owner.js";
import { type Exclusively, exclusivelyInFolder, exclusivelyOnPostgres } from "./exclusive.js";
import { PrismaClient } from "./generated/client.js";
import { prepareSession } from "./session.js";
import { offersTls } from "./tls.js";
import { valueTypes } from "./types.js";

/** How long a request waits for a connection before the database counts as unavailable, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The same for a command that shares the embedded database: it may wait for long work of others. */
const PATIENT_CONNECT_TIMEOUT_MS = 30_000;

/** When an idle connection is asked for the first time whether its other end still lives, in milliseconds. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Clients of the embedded database take turns, so more of them only wait, and each has prepared plans of its own. */
const EMBEDDED_CLIENTS = 4;

/** The one database of a process. The pool serves the hot path's SQL, Prisma what is not hot; both share connections. */
export interface Database {
  readonly kind: "postgres" | "embedded";
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** For work that one process at a time may do, such as a sweep. */
  readonly exclusively: Exclusively;
  /** Ends the connections and, for the owner of an embedded database, closes it and frees its folder. */
  close(): Promise<void>;
}

export interface OpenOptions extends Pick<DatabaseConfig, "databaseUrl" | "dataDir"> {
  /** A server must own the embedded database; a command may also use the one of a running server. */
  readonly role: "server" | "command";
  readonly poolSize?: number;
  /**
   * How long the database may take to answer a statement before it counts as unavailable and the connection is given up,
   * in milliseconds. Without it one connection whose other end has vanished is waited for without end. Not for
   * commands, whose statements may take as long as they need; `withoutTimeout` makes an exception.
   */
  readonly queryTimeoutMs?: number;
}

/**
 * Opens Postgres when `databaseUrl` is given, else the embedded database under `dataDir`. Postgres is connected to
 * when it is first used, so it need not be up yet; the embedded database is ready when this resolves.
 *
 * @throws DatabaseUrlProblems when `databaseUrl` cannot be read.
 * @throws DataDirInUse when a server finds the folder owned by another process.
 * @throws DataDirUnusable when the folder cannot hold, or does not hold, a database of ours.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { databaseUrl, dataDir, role, poolSize = 10, queryTimeoutMs } = options;
  const queryTimeout = queryTimeoutMs ? { query_timeout: queryTimeoutMs } : {};
  if (databaseUrl !== undefined) {
    const address = readDatabaseUrl(databaseUrl);
    const prepare = (client: pg.ClientBase) => prepareSession(client, address.settings);
    const config = await postgresConfig(address, poolSize);
    const pooled = { ...config, ...queryTimeout, onConnect: prepare };
    return assemble("postgres", pooled, exclusivelyOnPostgres(config, prepare));
  }

  const embedded = await openEmbedded(dataDir, role);
  const config = { ...sharedConfig(Math.min(poolSize, EMBEDDED_CLIENTS)), ...embedded.connection };
  const patience = queryTimeoutMs ? {} : { connectionTimeoutMillis: PATIENT_CONNECT_TIMEOUT_MS };
  const pooled = { ...config, ...queryTimeout, ...patience, ...(embedded.owned && { idleTimeoutMillis: 0 }) };
  const database = assemble("embedded", pooled, exclusivelyInFolder(dataDir));
  const close = async () => {
    await database.close();
    await embedded.close();
  };
  return { ...database, close: once(close) };
}

function assemble(kind: Database["kind"], config: pg.PoolConfig, exclusively: Exclusively): Database {
  const pool = new pg.Pool(config);
  // An idle connection broke. The pool has dropped it already; unheard, the event would end the process.
  pool.on("error", () => {});
  const prisma = new PrismaClient({ adapter: adapterFor(pool) });
  const close = async () => {
    await prisma.$disconnect();
    await pool.end();
  };
  return { kind, pool, prisma, exclusively, close: once(close) };
}

/** Prisma writes the schema before every table: it is the one in which our own statements find their tables. */
function adapterFor(pool: pg.Pool): PrismaPg {
  const adapter = new PrismaPg(pool);
  adapter.connect = async () => {
    const { rows } = await pool.query<{ schema: string | null }>("select current_schema() as schema");
    return new PrismaPg(pool, { schema: rows[0]?.schema ?? "public" }).connect();
  };
  return adapter;
}

function sharedConfig(poolSize: number): pg.PoolConfig {
  return {
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    fallback_application_name: "regulars",
    types: valueTypes,
    // Statements given to a connection together travel together, and run in their order.
    pipeline: true,
  };
}

async function postgresConfig(address: DatabaseAddress, poolSize: number): Promise<pg.PoolConfig> {
  const { host, port, user, password, database, tls, tlsOptions } = address;
  const connectionTimeoutMillis = address.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const encrypt =
    tls === "require" || (tls === "prefer" && (await offersTls(host, port, connectionTimeoutMillis)));
  return {
    ...sharedConfig(poolSize),
    ...{ host, port, user, database, connectionTimeoutMillis },
    ...(password !== undefined && { password }),
    ...(address.applicationName && { application_name: address.applicationName }),
    ...(address.startupOptions && { options: address.startupOptions }),
    ...(address.sslNegotiation && { sslnegotiation: address.sslNegotiation }),
    ssl: encrypt ? tlsOptions : false,
    enableChannelBinding: address.channelBinding,
  };
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
