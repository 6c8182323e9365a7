import { describeFailure } from "../errors.js";
import type { Log } from "../log.js";
import type { Inbox } from "./inbox.js";

/** Retries due deferred events while the server runs. */
export class RetryWorker {
  readonly #inbox: Pick<Inbox, "retryDue">;
  readonly #log: Log;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(inbox: Pick<Inbox, "retryDue">, log: Log, everyMs = 1_000) {
    this.#inbox = inbox;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#look();
    }, this.#everyMs);
    this.#timer.unref();
  }

  /** Starts no further run. Resolves when the current run is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    try {
      const tried = await this.#inbox.retryDue();
      if (tried > 0) this.#log.info({ tried }, "deferred events tried again");
    } catch (error) {
      // The events stay deferred, and the next run finds them.
      this.#log.warn({ reason: describeFailure(error) }, "retry could not run");
    }
    if (!this.#stopped) this.start();
  }
}
