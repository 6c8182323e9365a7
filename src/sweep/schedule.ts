import { Cron } from "croner";
import { describeFailure } from "../errors.js";
import type { Log } from "../log.js";
import type { Sweeps } from "./background.js";

/** Twice a minute, so that no column that the clock moves is a minute late even when a turn takes long. */
const DUE_EVERY_MS = 30_000;

/** What a server does by itself while it runs: the sweep by its cron expression, and between sweeps the rows that come due. */
export class Schedule {
  readonly #sweeps: Pick<Sweeps, "run" | "recomputeCameDue">;
  readonly #log: Log;
  readonly #expression: string;
  #cron: Cron | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param expression of 5 or 6 fields, in UTC */
  constructor(sweeps: Pick<Sweeps, "run" | "recomputeCameDue">, log: Log, expression: string) {
    this.#sweeps = sweeps;
    this.#log = log;
    this.#expression = expression;
  }

  /** Rows that came due while no server ran are recomputed at once. */
  start(): void {
    const options = { timezone: "UTC", unref: true, protect: true };
    this.#cron = new Cron(this.#expression, options, () => this.#sweep());
    void this.#recompute();
  }

  /** Starts nothing more; what was started is the sweeps' to end. */
  stop(): void {
    this.#stopped = true;
    this.#cron?.stop();
    clearTimeout(this.#timer);
  }

  async #sweep(): Promise<void> {
    try {
      const answer = await this.#sweeps.run("recent");
      if ("skipped" in answer) this.#log.info({ reason: answer.skipped }, "sweep skipped");
    } catch (error) {
      // The next one does what this one could not.
      this.#log.warn({ reason: describeFailure(error) }, "sweep could not run");
    }
  }

  async #recompute(): Promise<void> {
    const started = performance.now();
    try {
      const rows = await this.#sweeps.recomputeCameDue();
      if (rows > 0) this.#log.info({ rows }, "rows that came due recomputed");
    } catch (error) {
      this.#log.warn({ reason: describeFailure(error) }, "rows that came due could not be recomputed");
    }
    if (this.#stopped) return;
    const wait = Math.max(DUE_EVERY_MS - (performance.now() - started), 0);
    this.#timer = setTimeout(() => void this.#recompute(), wait).unref();
  }
}
