import type { Log } from "../log.js";

const ONE_SECOND_MS = 1_000;

/**
 * Tells of refused deliveries: a wrong key would otherwise show nowhere but at Square. At most one line a second, since
 * anybody can send what is refused; the next line says how many were left out. Nothing of the request is told but its size.
 */
export class RefusalLog {
  readonly #log: Pick<Log, "warn">;
  readonly #clock: () => number;
  #silentUntil = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  /** @param clock milliseconds that never go back */
  constructor(log: Pick<Log, "warn">, clock: () => number = () => performance.now()) {
    this.#log = log;
    this.#clock = clock;
  }

  tell(code: string, bytes: number): void {
    const now = this.#clock();
    if (now < this.#silentUntil) {
      this.#leftOut += 1;
      return;
    }
    this.#log.warn({ code, bytes, left_out: this.#leftOut }, "delivery refused");
    this.#silentUntil = now + ONE_SECOND_MS;
    this.#leftOut = 0;
  }
}
