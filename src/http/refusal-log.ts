import type { Log } from "../log.js";

const ONE_SECOND_MS = 1_000;

export interface Refusal {
  readonly code: string;
  readonly bytes?: number;
  readonly served?: string;
  readonly error?: string | undefined;
  readonly error_code?: string | undefined;
}

/**
 * Logs refused requests, because otherwise only the sender would notice a wrong key. It writes at most one line in a
 * given time, because anybody can send refused requests. The next line says how many were left out.
 */
export class RefusalLog {
  readonly #log: Pick<Log, "warn">;
  readonly #message: string;
  readonly #everyMs: number;
  readonly #clock: () => number;
  #silentUntil = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  /**
   * @param everyMs the least time between two lines; by default one second
   * @param clock returns milliseconds that never go back
   */
  constructor(
    log: Pick<Log, "warn">,
    message: string,
    { everyMs = ONE_SECOND_MS, clock = () => performance.now() } = {},
  ) {
    this.#log = log;
    this.#message = message;
    this.#everyMs = everyMs;
    this.#clock = clock;
  }

  /** @param fields what the sender cannot choose: a code, a size, the kind of an error */
  record(fields: Refusal): void {
    const now = this.#clock();
    if (now < this.#silentUntil) {
      this.#leftOut += 1;
      return;
    }
    this.#log.warn({ ...fields, left_out: this.#leftOut }, this.#message);
    this.#silentUntil = now + this.#everyMs;
    this.#leftOut = 0;
  }
}
