import type { PullContext } from "./context.js";
import { fetchMarked } from "./pull-organization.js";
import { nothingPulled, type PullReport } from "./report.js";

/** Thin events come in bursts, and one request answers them all. */
const GATHER_MS = 1_000;

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
    const { log } = this.#context;
    const organizations = [...this.#waiting];
    this.#waiting.clear();
    for (const organization_id of organizations) {
      if (this.#stopped) return;
      const into: PullReport = { pulled: nothingPulled(), errors: [] };
      try {
        await fetchMarked(this.#context, organization_id, into);
        for (const { step, code } of into.errors)
          log.warn({ organization_id, step, code }, "not fetched yet");
      } catch (error) {
        log.warn(
          { organization_id, reason: error instanceof Error ? error.name : "unknown" },
          "could not fetch what events have named",
        );
      }
    }
  }
}
