import { describeFailure } from "../errors.js";
import { traced } from "../tracing.js";
import type { PullContext } from "./connect.js";
import { fetchMarked } from "./pull-organization.js";
import { emptyPullReport } from "./report.js";
import { inTurns, PULLS_AT_ONCE } from "./turns.js";

/** Thin events come in bursts. One request answers a whole burst. */
const GATHER_MS = 1_000;

/** Time limit for one organization. Organizations of later events wait behind it. */
const PATIENCE_MS = 30_000;

/**
 * Fetches the objects that thin events named, soon after the events, for organizations with a token. An object that
 * cannot be fetched stays marked, and the next sweep tries again.
 */
export class FetchWorker {
  readonly #context: PullContext;
  readonly #gatherMs: number;
  readonly #waiting = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(context: PullContext, gatherMs = GATHER_MS) {
    this.#context = context;
    this.#gatherMs = gatherMs;
  }

  /** Schedules a fetch of this organization's marked objects. */
  schedule(organizationId: string): void {
    if (this.#stopped) return;
    this.#waiting.add(organizationId);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#running.then(() => this.#fetch());
    }, this.#gatherMs).unref();
  }

  /** Resolves when the running fetch has ended. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Starts no further fetch. Resolves when the running one has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #fetch(): Promise<void> {
    const { log, signal: stopping } = this.#context;
    const organizations = [...this.#waiting];
    this.#waiting.clear();
    await inTurns(organizations, PULLS_AT_ONCE, async (organization_id) => {
      if (this.#stopped) return;
      const report = emptyPullReport();
      const late = AbortSignal.timeout(PATIENCE_MS);
      const signal = stopping ? AbortSignal.any([stopping, late]) : late;
      try {
        await traced("fetch", () => fetchMarked(this.#context, organization_id, { report, signal }), {
          "regulars.organization.id": organization_id,
        });
        for (const { step, code } of report.errors)
          log.warn({ organization_id, step, code }, "marked objects not fetched");
      } catch (error) {
        const fields = { organization_id, reason: describeFailure(error) };
        log.warn(fields, "marked objects not fetched");
      }
    });
  }
}
