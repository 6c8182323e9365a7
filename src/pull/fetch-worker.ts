import { describeFailure } from "../errors.js";
import type { PullContext } from "./connect.js";
import { fetchMarked } from "./pull-organization.js";
import { emptyPullReport } from "./report.js";
import { inTurns, PULLS_AT_ONCE } from "./turns.js";

/** Thin events come in bursts, and one request answers them all. */
const GATHER_MS = 1_000;

/** How long one organization's Square is waited for: those of later events wait behind it. */
const PATIENCE_MS = 30_000;

/**
 * Fetches what thin events have named, soon after they came, where the organization has a token. What Square does not give now
 * stays marked, and the next sweep asks again.
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

  /** Something was marked for this organization. */
  schedule(organizationId: string): void {
    if (this.#stopped) return;
    this.#waiting.add(organizationId);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#running.then(() => this.#fetch());
    }, this.#gatherMs).unref();
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Starts nothing more, and resolves when what was started is done. */
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
        await fetchMarked(this.#context, organization_id, { report, signal });
        for (const { step, code } of report.errors)
          log.warn({ organization_id, step, code }, "not fetched yet");
      } catch (error) {
        const fields = { organization_id, reason: describeFailure(error) };
        log.warn(fields, "could not fetch what events have named");
      }
    });
  }
}
