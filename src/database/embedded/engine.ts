import { once } from "node:events";
import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { type MessagePort, Worker } from "node:worker_threads";
import { DataDirUnusable } from "../../errors.js";
import type { Patience } from "./client.js";
import type { WorkerOptions } from "./worker.js";

/** How long a worker may take to close its database before it is terminated, in milliseconds. */
const CLOSE_MS = 10_000;

const WATCH_MS = 500;

export interface GuestLimits extends Patience {
  /** How long the engine may work for a guest without a pause, in milliseconds. */
  readonly statementMs: number;
}

export interface EngineOptions {
  readonly dataDir: string;
  readonly socketPath: string;
  readonly guests: GuestLimits;
}

/**
 * The worker thread in which the database runs. A running statement cannot be interrupted. If a guest's statement
 * takes too long or breaks the engine, the worker is terminated, like a kill -9. A new worker takes its place, and
 * the server's clients reconnect.
 */
export class Engine {
  readonly #guestRunsSince = new BigInt64Array(new SharedArrayBuffer(8));
  readonly #watch: NodeJS.Timeout;
  #worker: Promise<Worker>;
  #stopping = false;

  private constructor(private readonly options: EngineOptions) {
    this.#worker = this.#start();
    this.#watch = setInterval(() => this.#endOverdue(), WATCH_MS).unref();
  }

  /** Resolves when the database can be connected to. */
  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    try {
      await engine.#worker;
    } catch (cause) {
      clearInterval(engine.#watch);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DataDirUnusable(`The embedded database could not be opened: ${reason}`, { cause });
    }
    return engine;
  }

  /** Passes the worker's end of a server connection to the worker. */
  async accept(port: MessagePort): Promise<void> {
    (await this.#worker).postMessage(port, [port]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    const worker = await this.#worker;
    const ended = once(worker, "exit");
    worker.postMessage("close");
    await Promise.race([ended, wait(CLOSE_MS, undefined, { ref: false })]);
    await worker.terminate();
    await rm(this.options.socketPath, { force: true });
  }

  async #start(): Promise<Worker> {
    const { dataDir, socketPath, guests } = this.options;
    // A killed owner leaves its socket file behind. The new socket could not be bound then.
    await rm(socketPath, { force: true });
    const workerData: WorkerOptions = { dataDir, socketPath, guests, guestRunsSince: this.#guestRunsSince };
    // When run from source, the worker must first load the TypeScript loader.
    const file = import.meta.url.endsWith(".ts") ? "./worker-from-source.mjs" : "./worker.js";
    const worker = new Worker(new URL(file, import.meta.url), { workerData, execArgv: [] });
    await once(worker, "message");
    worker.on("error", (error) => this.#replace(worker, error));
    return worker;
  }

  #endOverdue(): void {
    const since = Number(Atomics.load(this.#guestRunsSince, 0));
    const { statementMs } = this.options.guests;
    if (since === 0 || Date.now() - since < statementMs) return;
    const overdue = new Error(`a guest's statement took longer than ${statementMs} ms`);
    this.#worker.then((worker) => this.#replace(worker, overdue));
  }

  /**
   * Replaces the worker only after a guest's statement. An engine that breaks at the server's own work would break
   * again.
   */
  #replace(broken: Worker, reason: Error): void {
    const byGuest = Atomics.exchange(this.#guestRunsSince, 0, 0n) !== 0n;
    if (this.#stopping) return;
    if (!byGuest) {
      endProcess(reason);
      return;
    }
    process.emitWarning(`The embedded database was restarted: ${reason.message}`);
    this.#worker = broken.terminate().then(() => this.#start());
    this.#worker.catch(endProcess);
  }
}

/** Ends the process by an uncaught error. The process cannot work without its database. */
function endProcess(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
