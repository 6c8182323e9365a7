import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { access, constants, mkdir } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { DataDirInUse, DataDirUnusable, NoServer } from "../../errors.js";
import { Engine, type EngineOptions, type GuestLimits } from "./engine.js";
import { claimLock, type Lock } from "./lock.js";
import { ServerStream } from "./server-stream.js";

/** With this name, `psql -h DATA_DIR -U postgres` finds the socket. */
const SOCKET_NAME = ".s.PGSQL.5432";

/** How many bytes a Unix socket's path may have, without the zero byte at its end. */
const LONGEST_SOCKET_PATH = process.platform === "linux" ? 107 : 103;

/**
 * How long a command waits for an owner that is starting. On a slow machine the owner may still create its database.
 */
const OWNER_START_MS = 60_000;
const OWNER_POLL_MS = 50;

/** Webhooks wait while a guest works. They are answered 503 after eight seconds. */
const GUEST_LIMITS: GuestLimits = { idleMs: 5_000, transactionMs: 60_000, statementMs: 60_000 };

/**
 * A server must own the embedded database. A command owns it if nobody does, and otherwise is a guest of the owner. A
 * guest never owns it: it waits for what a server does, and as the owner it would keep that server from starting.
 */
export type Role = "server" | "command" | "guest";

/** The embedded database as one process sees it. The process runs the database itself or uses the owner's. */
export interface Embedded {
  /** How node-postgres reaches it. */
  readonly connection: pg.PoolConfig;
  /** Whether this process runs the database. */
  readonly owned: boolean;
  close(): Promise<void>;
}

/**
 * Opens the embedded database in `dataDir`, or connects to the process that has opened it.
 *
 * @throws DataDirInUse when a server finds another owner, or when the owner does not answer a command or guest
 * @throws NoServer when a guest finds no owner
 * @throws DataDirUnusable when the folder's path is too long for a socket, or when the folder holds something else
 */
export async function openEmbedded(dataDir: string, role: Role, guests = GUEST_LIMITS): Promise<Embedded> {
  const folder = path.resolve(dataDir);
  const socketPath = socketPathIn(folder);
  await makeFolder(folder);

  const answers = () => accepts(socketPath);
  for (const giveUp = Date.now() + OWNER_START_MS; ; await wait(OWNER_POLL_MS)) {
    const claim = await claimLock(folder, answers);
    if ("lock" in claim && role === "guest") {
      claim.lock.release();
      throw new NoServer(folder);
    }
    if ("lock" in claim) return own({ dataDir: folder, socketPath, guests }, claim.lock);
    if (role !== "server" && (await answers())) {
      const connection = connectionThrough(() => new UnixSocket(socketPath));
      return { connection, owned: false, close: async () => {} };
    }
    if (role === "server" || Date.now() > giveUp) throw new DataDirInUse(folder, claim.owner.pid);
  }
}

/**
 * Runs work on the files in `dataDir` while no process has its database open.
 *
 * @throws DataDirInUse when a process has
 */
export async function whileClosed<Result>(
  dataDir: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = path.resolve(dataDir);
  await makeFolder(folder);
  const claim = await claimLock(folder, () => accepts(socketPathIn(folder)));
  if (!("lock" in claim)) throw new DataDirInUse(folder, claim.owner.pid);
  try {
    return await work(folder);
  } finally {
    claim.lock.release();
  }
}

/** An existing folder keeps its mode. The socket, the lock and the database's files have modes of their own. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataDirUnusable(`DATA_DIR ${folder} cannot be used: ${reason}`, { cause });
  }
}

/**
 * Replaces mkdir's `recursive`. That never ends on a file system that answers ENOENT for an existing parent, as /proc
 * does.
 */
async function makeFolders(folder: string): Promise<void> {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) throw new Error("it is a file");
    return;
  }
  await makeFolders(path.dirname(folder));
  await mkdir(folder, { mode: 0o700 }).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
}

async function own(options: EngineOptions, lock: Lock): Promise<Embedded> {
  try {
    const engine = await Engine.start(options);
    const connection = connectionThrough(() => new ServerStream((port) => engine.accept(port)));
    return { connection, owned: true, close: () => engine.stop().finally(() => lock.release()) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The absolute path, or the path relative to the working directory if only that is short enough. */
function socketPathIn(folder: string): string {
  const absolute = path.join(folder, SOCKET_NAME);
  const fitting = [absolute, path.relative(process.cwd(), absolute)].find(
    (candidate) => Buffer.byteLength(candidate) <= LONGEST_SOCKET_PATH,
  );
  if (fitting === undefined) {
    throw new DataDirUnusable(
      `${folder} is too long a path for DATA_DIR: ${absolute} may have at most ${LONGEST_SOCKET_PATH} bytes`,
    );
  }
  return fitting;
}

function connectionThrough(stream: () => Duplex): pg.PoolConfig {
  return { user: "postgres", database: "postgres", ssl: false, stream };
}

/** Ignores the path that node-postgres passes, because node-postgres takes a relative path for a host name. */
class UnixSocket extends net.Socket {
  constructor(private readonly socketPath: string) {
    super();
  }

  override connect(): this {
    return super.connect(this.socketPath);
  }
}

async function accepts(socketPath: string): Promise<boolean> {
  const socket = net.connect(socketPath);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
