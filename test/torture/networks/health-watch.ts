import { setTimeout as wait } from "node:timers/promises";
import { HttpClient } from "../runner/http.js";
import type { Tally } from "../runner/tally.js";

/** How long /healthz may take. The limit is high because the attack keeps the machine busy. */
const PATIENCE_MS = 3_000;

/** Requests /healthz repeatedly. Every answer but 200 in time is a broken promise. */
export class HealthWatch {
  readonly #stopped = new AbortController();
  readonly #watching: Promise<void>;

  constructor(url: () => string, tally: Tally) {
    this.#watching = this.#watch(url, tally);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
  }

  async #watch(url: () => string, tally: Tally): Promise<void> {
    const client = new HttpClient(PATIENCE_MS);
    while (!this.#stopped.signal.aborted) {
      const asked = performance.now();
      const answer = await client.send(url(), { path: "/healthz" }).then(
        ({ status }) => `answers ${status}`,
        (error: Error) => `does not answer: ${error.message}`,
      );
      if (this.#stopped.signal.aborted) break;
      tally.expect(answer === "answers 200", `/healthz ${answer}`);
      tally.peak("slowest /healthz ms", performance.now() - asked);
      await wait(50);
    }
    client.close();
  }
}
