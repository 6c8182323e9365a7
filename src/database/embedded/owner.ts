import { once } from "node:events";
import { access, constants, mkdir, rm } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type pg from "pg";
import { DataDirInUse, DataDirUnusable } from "../../errors.js";
import { claimLock, type Lock } from "./lock.js";
import type { WorkerOptions } from "./worker.js";

/** So named that `psql -h DATA_DIR -U postgres` finds it. */
const SOCKET_NAME = ".s.PGSQL.5432";

/** Bytes that a socket's address holds, less the zero at its end. */
const LONGEST_SOCKET_PATH = process.platform === "linux" ? 107 : 103;

/** A client waits its turn while another's transaction is open, even to connect, in milliseconds. */
const CONNECT_TIMEOUT_MS = 30_000;

/** How long a command waits for an owner that is still starting, which on a slow machine makes its database first. */
const OWNER_START_MS = 60_000;
const OWNER_POLL_MS = 50;

/** How long a worker may take to close its database before it is ended, in milliseconds. */
const CLOSE_MS = 10_000;

/** The embedded database as one process sees it: run by itself, or by the process that owns it. */
export interface Embedded {
  /** How node-postgres reaches it. */
  readonly connection: pg.PoolConfig;
  /** Whether it is this process's own. */
  readonly owned: boolean;
  close(): Promise<void>;
}

/**
 * Opens the embedded database under `dataDir`, or reaches the one that another process has open there.
 * A server must be the owner; a command is the owner when nobody is, and a client of the owner otherwise.
 *
 * @throws DataDirInUse when a server finds another owner, or a command finds one that does not answer.
 * @throws DataDirUnusable when the folder's path is too long for a socket, or it holds something else.
 */
export async function openEmbedded(dataDir: string, role: "server" | "command"): Promise<Embedded> {
  const folder = path.resolve(dataDir);
  const socketPath = socketPathIn(folder);
  await makeFolder(folder);

  const connection = connectionTo(socketPath);
  const answers = () => accepts(socketPath);
  for (const giveUp = Date.now() + OWNER_START_MS; ; await wait(OWNER_POLL_MS)) {
    const claim = await claimLock(folder, answers);
    if ("lock" in claim) return { connection, owned: true, close: await own(folder, socketPath, claim.lock) };
    if (role === "command" && (await answers())) return { connection, owned: false, close: async () => {} };
    if (role === "server" || Date.now() > giveUp) throw new DataDirInUse(folder, claim.owner.pid);
  }
}

/** A folder that is there already keeps its mode: what is ours in it, socket and lock and cluster, is closed by itself. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataDirUnusable(`DATA_DIR ${folder} cannot be used: ${reason}`, { cause });
  }
}

/** Starts the database; returns what ends it. */
async function own(dataDir: string, socketPath: string, lock: Lock): Promise<() => Promise<void>> {
  try {
    // That of an owner that was killed: its file would keep the new socket from being bound.
    await rm(socketPath, { force: true });
    const worker = await startWorker({ dataDir, socketPath });
    return async () => {
      try {
        await stopWorker(worker);
        await rm(socketPath, { force: true });
      } finally {
        lock.release();
      }
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Resolves when the database can be connected to. From then on an error of the worker has no listener and ends the
 * process: without its database it is of no use.
 */
async function startWorker(workerData: WorkerOptions): Promise<Worker> {
  // From source the worker needs the TypeScript loader first.
  const file = import.meta.url.endsWith(".ts") ? "./worker-from-source.mjs" : "./worker.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData, execArgv: [] });
  try {
    await once(worker, "message");
    return worker;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataDirUnusable(`The embedded database could not be opened: ${reason}`, { cause });
  }
}

async function stopWorker(worker: Worker): Promise<void> {
  const ended = once(worker, "exit");
  worker.postMessage("close");
  await Promise.race([ended, wait(CLOSE_MS, undefined, { ref: false })]);
  await worker.terminate();
}

/** The absolute path, or the one from the working directory where only that is short enough. */
function socketPathIn(folder: string): string {
  const absolute = path.join(folder, SOCKET_NAME);
  const fitting = [absolute, path.relative(process.cwd(), absolute)].find(
    (candidate) => Buffer.byteLength(candidate) <= LONGEST_SOCKET_PATH,
  );
  if (fitting === undefined) {
    throw new DataDirUnusable(
      `${folder} is too long a path for DATA_DIR: ${absolute} may have ${LONGEST_SOCKET_PATH} bytes`,
    );
  }
  return fitting;
}

function connectionTo(socketPath: string): pg.PoolConfig {
  return {
    host: path.resolve(path.dirname(socketPath)),
    user: "postgres",
    database: "postgres",
    ssl: false,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    stream: () => new UnixSocket(socketPath),
  };
}

/** Connects to its own path: node-postgres would build one from `host`, and take a relative one for a host's name. */
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
