import { recomputeCameDue } from "../drift/due.js";
import { describeFailure } from "../errors.js";
import type { SweepMode, SweepReport } from "./report.js";
import { type SkippedSweep, type SweepContext, type SweepOptions, sweep } from "./sweep.js";

/**
 * The sweeps of one process. A client that disconnects does not end a sweep. When the process stops (the context's
 * signal), a running sweep ends after its current chunk.
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
   * Recomputes rows that came due.
   *
   * @returns the number of corrected rows
   * @throws when the database is unavailable
   */
  recomputeCameDue(): Promise<number> {
    return this.#track(recomputeCameDue(this.#context));
  }

  /**
   * Recomputes all rows that came due, in the background. It is for a change that makes many rows due at once. Rows
   * that fail are left to the schedule and the next sweep.
   */
  recomputeAllDue(): void {
    const untilNone = async () => {
      while (!this.#context.signal?.aborted && (await recomputeCameDue(this.#context)) > 0);
    };
    this.#track(untilNone()).catch((error) =>
      this.#context.log.warn({ reason: describeFailure(error) }, "due rows not recomputed"),
    );
  }

  /** Resolves when no sweep or recompute is running. */
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
