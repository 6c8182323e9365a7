import { chmod, mkdir, rm } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { Worker } from "node:worker_threads";
import type pg from "pg";
import { DataDirUnusable } from "../../errors.js";
import type { WorkerOptions } from "./worker.js";

export interface Embedded {
  /** How node-postgres reaches it. */
  readonly connection: pg.PoolConfig;
  close(): Promise<void>;
}

export async function openEmbedded(dataDir: string, _role: "server" | "command"): Promise<Embedded> {
  const folder = path.resolve(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const socketPath = path.join(folder, ".s.PGSQL.5432");
  await rm(socketPath, { force: true });
  const worker = startWorker({ clusterDir: path.join(folder, "pg"), socketPath });
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new DataDirUnusable(`exit ${code}`)));
  });
  return {
    connection: connectionTo(socketPath),
    close: async () => {
      const gone = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage("close");
      await gone;
      await rm(socketPath, { force: true });
    },
  };
}

function connectionTo(socketPath: string): pg.PoolConfig {
  return {
    host: path.dirname(socketPath),
    port: 5432,
    user: "postgres",
    database: "postgres",
    ssl: false,
    connectionTimeoutMillis: 30_000,
    stream: () => new FixedSocket(socketPath) as never,
  };
}

class FixedSocket extends net.Socket {
  constructor(private readonly socketPath: string) {
    super();
  }
  override connect(): this {
    return super.connect(this.socketPath);
  }
}

function startWorker(workerData: WorkerOptions): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./worker-from-source.mjs" : "./worker.js";
  return new Worker(new URL(file, import.meta.url), { workerData, execArgv: [] });
}
