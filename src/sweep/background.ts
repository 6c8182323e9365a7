import { recomputeCameDue } from "../drift/due.js";
import { describeFailure } from "../errors.js";
import type { SweepMode, SweepReport } from "./report.js";
import { type SkippedSweep, type SweepContext, type SweepOptions, sweep } from "./sweep.js";

/**
 * The sweeps of one process. They belong to nobody who asked for them: a client that hangs up ends none. They end, at the
 * next safe place, when the context's signal tells that the process is stopping.
 */
export class Sweeps {
  readonly #context: SweepContext;
  readonly #options: SweepOptions;
  readonly #running = new Set<Promise<unknown>>();

  constructor(context: SweepContext, options: SweepOptions = {}) {
    this.#context = context;
    this.#options = options;
  }

  /** @throws when the database is unavailable */
  run(mode: SweepMode): Promise<SweepReport | SkippedSweep> {
    return this.#track(sweep(this.#context, mode, this.#options));
  }

  /**
   * Recomputes rows that came due since the last time.
   *
   * @returns how many
   * @throws when the database is unavailable
   */
  recomputeCameDue(): Promise<number> {
    return this.#track(recomputeCameDue(this.#context));
  }

  /**
   * Recomputes rows that came due until none is left that can be, in the background: for a change that makes many due at once.
   * What fails is left for the schedule and the next sweep.
   */
  recomputeAllDue(): void {
    const untilNone = async () => {
      while (!this.#context.signal?.aborted && (await recomputeCameDue(this.#context)) > 0);
    };
    this.#track(untilNone()).catch((error) =>
      this.#context.log.warn(
        { reason: describeFailure(error) },
        "rows that came due could not be recomputed",
      ),
    );
  }

  /** Resolves when nothing is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  #track<Result>(work: Promise<Result>): Promise<Result> {
    this.#running.add(work);
    const done = () => this.#running.delete(work);
    work.then(done, done);
    return work;
  }
}
