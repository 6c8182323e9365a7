import { Cron } from "croner";
import { describeFailure } from "../errors.js";
import type { Log } from "../log.js";
import type { Sweeps } from "./background.js";

/** Twice a minute: a column that the clock changes is less than a minute late, even after a slow recompute. */
const DUE_EVERY_MS = 30_000;

/** Runs the sweep by a cron expression, and recomputes due rows between sweeps. */
export class Schedule {
  readonly #sweeps: Pick<Sweeps, "run" | "recomputeCameDue">;
  readonly #log: Log;
  readonly #expression: string;
  #cron: Cron | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param expression cron expression with 5 or 6 fields, in UTC */
  constructor(sweeps: Pick<Sweeps, "run" | "recomputeCameDue">, log: Log, expression: string) {
    this.#sweeps = sweeps;
    this.#log = log;
    this.#expression = expression;
  }

  /** Starts the schedule, and recomputes at once the rows that came due while no server ran. */
  start(): void {
    const options = { timezone: "UTC", unref: true, protect: true };
    this.#cron = new Cron(this.#expression, options, () => this.#sweep());
    void this.#recompute();
  }

  /** Starts no further work. Running work belongs to `Sweeps` and goes on. */
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
      // The next sweep does the work.
      this.#log.warn({ reason: describeFailure(error) }, "sweep failed");
    }
  }

  async #recompute(): Promise<void> {
    const started = performance.now();
    try {
      const rows = await this.#sweeps.recomputeCameDue();
      if (rows > 0) this.#log.info({ rows }, "due rows recomputed");
    } catch (error) {
      this.#log.warn({ reason: describeFailure(error) }, "due rows not recomputed");
    }
    if (this.#stopped) return;
    const wait = Math.max(DUE_EVERY_MS - (performance.now() - started), 0);
    this.#timer = setTimeout(() => void this.#recompute(), wait).unref();
  }
}
