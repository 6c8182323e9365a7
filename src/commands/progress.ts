/** Shows progress, rate and time left on standard error, if that is a terminal. */
export class Progress {
  readonly #what: string;
  readonly #total: number | undefined;
  readonly #started = performance.now();
  readonly #terminal = process.stderr.isTTY;
  #shown = 0;

  /** @param total how many there are, if known */
  constructor(what: string, total?: number) {
    this.#what = what;
    this.#total = total;
  }

  /** @param note text to show at the end of the line */
  update(done: number, note = ""): void {
    const now = performance.now();
    if (!this.#terminal || now - this.#shown < 100) return;
    this.#shown = now;
    process.stderr.write(`\r\x1b[K${this.#line(done, now)}${note}`);
  }

  end(): void {
    if (this.#terminal) process.stderr.write("\r\x1b[K");
  }

  #line(done: number, now: number): string {
    const rate = done / Math.max((now - this.#started) / 1000, 0.001);
    const of = this.#total === undefined ? "" : ` of ${this.#total}`;
    const left =
      this.#total === undefined || rate === 0
        ? ""
        : `, ${duration(Math.max(this.#total - done, 0) / rate)} left`;
    return `${done}${of} ${this.#what}, ${Math.round(rate)}/s${left}`;
  }
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
