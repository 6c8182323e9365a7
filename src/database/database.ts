import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { type DatabaseAddress, readDatabaseUrl } from "../config/database-url.js";
import type { DatabaseConfig } from "../config.js";
import { openEmbedded, type Role } from "./embedded/owner.js";
import { type Exclusively, exclusivelyInFolder, exclusivelyOnPostgres } from "./exclusive.js";
import { PrismaClient } from "./generated/client.js";
import { type Listen, listenOnPostgres } from "./notifications.js";
import { prepareSession } from "./session.js";
import { offersTls } from "./tls.js";
import { valueTypes } from "./types.js";

/** How long a request waits for a connection before the database counts as unavailable, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The same for a command on the embedded database. It may wait for long transactions of other clients. */
const PATIENT_CONNECT_TIMEOUT_MS = 30_000;

/** How long a connection is idle before TCP keep-alive checks its other end, in milliseconds. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * Clients of the embedded database take turns, so more clients gain nothing. Each client also prepares its own plans.
 */
const EMBEDDED_CLIENTS = 4;

/** The database of a process. The hot path runs SQL on the pool. Prisma serves the rest over the same connections. */
export interface Database {
  readonly kind: "postgres" | "embedded";
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** For work that only one process at a time may do, such as a sweep. */
  readonly exclusively: Exclusively;
  /** How servers of one database hear of each other. The embedded database has one server. */
  readonly listen?: Listen;
  /** Ends the connections. The owner of an embedded database also closes it and releases its folder. */
  close(): Promise<void>;
}

export interface OpenOptions extends Pick<DatabaseConfig, "databaseUrl" | "dataDir"> {
  readonly role: Role;
  readonly poolSize?: number;
  /**
   * How long a statement may take before the database counts as unavailable and the connection is closed, in
   * milliseconds. Without it, a request on a connection whose other end has vanished waits forever. Commands do not
   * set it, because their statements may take long. `withoutTimeout` exempts one statement.
   */
  readonly queryTimeoutMs?: number;
}

/**
 * Opens Postgres when `databaseUrl` is given, otherwise the embedded database in `dataDir`. The first statement
 * connects to Postgres, so Postgres may still be down now. The embedded database is ready when this resolves.
 *
 * @throws DatabaseUrlProblems when `databaseUrl` cannot be read
 * @throws DataDirInUse when another process owns the folder and this one is a server
 * @throws NoServer when no process owns the folder and this one is a guest
 * @throws DataDirUnusable when the folder cannot be used, or holds something else
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { databaseUrl, dataDir, role, poolSize = 10, queryTimeoutMs } = options;
  const queryTimeout = queryTimeoutMs ? { query_timeout: queryTimeoutMs } : {};
  if (databaseUrl !== undefined) {
    const address = readDatabaseUrl(databaseUrl);
    const prepare = (client: pg.ClientBase) => prepareSession(client, address.settings);
    const config = await postgresConfig(address, poolSize);
    const pooled = { ...config, ...queryTimeout, onConnect: prepare };
    return {
      ...assemble("postgres", pooled, exclusivelyOnPostgres(config, prepare)),
      listen: listenOnPostgres(config, prepare),
    };
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

/**
 * Opens a pool of connections to a Postgres, whose sessions are set up for our statements.
 *
 * @throws DatabaseUrlProblems when `databaseUrl` cannot be read
 */
export async function openPostgresPool(
  databaseUrl: string,
  { poolSize, queryTimeoutMs }: { readonly poolSize: number; readonly queryTimeoutMs?: number | undefined },
): Promise<pg.Pool> {
  const address = readDatabaseUrl(databaseUrl);
  return openPool({
    ...(await postgresConfig(address, poolSize)),
    ...(queryTimeoutMs && { query_timeout: queryTimeoutMs }),
    onConnect: (client) => prepareSession(client, address.settings),
  });
}

function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  // An idle connection broke, and the pool has dropped it. Without a listener this event would end the process.
  pool.on("error", () => {});
  return pool;
}

function assemble(kind: Database["kind"], config: pg.PoolConfig, exclusively: Exclusively): Database {
  const pool = openPool(config);
  const prisma = new PrismaClient({ adapter: adapterFor(pool) });
  const close = async () => {
    await prisma.$disconnect();
    await pool.end();
  };
  return { kind, pool, prisma, exclusively, close: once(close) };
}

/**
 * Prisma puts a schema before every table name. It must be the schema in which our own statements find their tables.
 */
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
    // Statements that are given to a connection at once are sent at once. They run in order.
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
