import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { DatabaseConfig } from "../config.js";
import { openEmbedded } from "./embedded/owner.js";
import { type Exclusively, exclusivelyInFolder, exclusivelyOnPostgres } from "./exclusive.js";
import { PrismaClient } from "./generated/client.js";
import { shareSession } from "./query.js";
import { POSTGRES_PARAMETERS, SESSION_PARAMETERS } from "./session.js";
import { valueTypes } from "./types.js";

/** How long a request waits for a connection before the database counts as unavailable, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** When an idle connection is asked for the first time whether its other end still lives, in milliseconds. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Clients of the embedded database take turns, so more of them only wait, and each keeps prepared plans of its own. */
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
   * How long a Postgres may take to answer a statement before it counts as unavailable and the connection is given up,
   * in milliseconds. Without it one connection whose other end has vanished is waited for without end. Not for
   * commands, whose statements may take as long as they need; `withoutTimeout` makes an exception.
   */
  readonly queryTimeoutMs?: number;
}

/**
 * Opens Postgres when `databaseUrl` is given, else the embedded database under `dataDir`. Postgres is connected to
 * when it is first used, so it need not be up yet; the embedded database is ready when this resolves.
 *
 * @throws DataDirInUse when a server finds the folder owned by another process.
 * @throws DataDirUnusable when the folder cannot hold, or does not hold, a database of ours.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { databaseUrl, dataDir, role, poolSize = 10, queryTimeoutMs } = options;
  if (databaseUrl !== undefined) {
    const config = postgresConfig(databaseUrl, poolSize);
    const pooled = queryTimeoutMs ? { ...config, query_timeout: queryTimeoutMs } : config;
    return assemble("postgres", pooled, exclusivelyOnPostgres(config));
  }

  const embedded = await openEmbedded(dataDir, role);
  const config = { ...sharedConfig(Math.min(poolSize, EMBEDDED_CLIENTS)), ...embedded.connection };
  const pooled = embedded.owned ? { ...config, idleTimeoutMillis: 0 } : config;
  const database = assemble("embedded", pooled, exclusivelyInFolder(dataDir));
  shareSession(database.pool, { prepare: embedded.owned });
  const close = async () => {
    await database.close();
    await embedded.close();
  };
  return { ...database, close: once(close) };
}

function assemble(kind: Database["kind"], config: pg.PoolConfig, exclusively: Exclusively): Database {
  const pool = new pg.Pool(config);
  if (kind === "postgres") pool.on("connect", noticeWhenWeAreGone);
  // An idle connection broke. The pool has dropped it already; unheard, the event would end the process.
  pool.on("error", () => {});
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const close = async () => {
    await prisma.$disconnect();
    await pool.end();
  };
  return { kind, pool, prisma, exclusively, close: once(close) };
}

/**
 * A session whose client gave a statement up goes on waiting for its lock, and as the pool opens another in its place,
 * they add up to all that Postgres has. So Postgres looks now and then whether we are still there. Not with the settings
 * that a session begins with: a Postgres on a system that cannot look would refuse the connection.
 */
function noticeWhenWeAreGone(client: pg.PoolClient): void {
  client.query("set client_connection_check_interval = '2s'").catch(() => {});
}

function sharedConfig(poolSize: number): pg.PoolConfig {
  return {
    max: poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    fallback_application_name: "regulars",
    types: valueTypes,
  };
}

/** Pipelined: statements given to a connection together travel pipelined, and Postgres runs them in order. */
function postgresConfig(databaseUrl: string, poolSize: number): pg.PoolConfig {
  return { ...sharedConfig(poolSize), connectionString: withSessionSettings(databaseUrl), pipeline: true };
}

/** Puts our settings behind the URL's own `options`: of two values for one setting, Postgres takes the last. */
function withSessionSettings(databaseUrl: string): string {
  const [address, search] = databaseUrl.split(/\?(.*)/s);
  const parameters = new URLSearchParams(search);
  const given = parameters.get("options") ?? process.env.PGOPTIONS ?? "";
  // Postgres cuts the options apart at every space that no backslash stands before.
  const ours = [...SESSION_PARAMETERS, ...POSTGRES_PARAMETERS].map((word) => word.replaceAll(" ", "\\ "));
  parameters.set("options", [given, ...ours].join(" ").trim());
  return `${address}?${parameters}`;
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
