/** The counts that every attack adds to, and that the summary prints. */
export interface Counts {
  /** Faults injected: a cut connection, a killed process, a hostile request. */
  faults: number;
  /** Deliveries of events, each attempt counted. */
  sent: number;
  /** Deliveries that were answered 200. */
  acknowledged: number;
  /** Acknowledged events that are not in the database. */
  lost: number;
  /** Rows compared with an independent calculation, or with what they were before. */
  rowsCompared: number;
  rowsWrong: number;
}

const MOST_EXAMPLES = 20;

export class Tally {
  readonly counts: Counts = { faults: 0, sent: 0, acknowledged: 0, lost: 0, rowsCompared: 0, rowsWrong: 0 };
  /** One line for each broken promise: the first twenty, and then the number of others. */
  readonly #broken: string[] = [];
  #brokenCount = 0;
  /** Other measurements, such as memory or the longest wait. */
  readonly figures: Record<string, number | string> = {};

  fault(count = 1): void {
    this.counts.faults += count;
  }

  /** Notes a promise that did not hold. */
  broken(line: string): void {
    this.#brokenCount += 1;
    if (this.#broken.length < MOST_EXAMPLES) this.#broken.push(line);
  }

  /** Notes `line` as broken unless `holds`. */
  expect(holds: boolean, line: string): void {
    if (!holds) this.broken(line);
  }

  lost(eventIds: readonly string[]): void {
    this.counts.lost += eventIds.length;
    for (const id of eventIds) this.broken(`acknowledged and not stored: ${id}`);
  }

  /** @param differences lines that say what is wrong in the `wrong` rows of the `compared` ones */
  compared(compared: number, wrong: number, differences: readonly string[] = []): void {
    this.counts.rowsCompared += compared;
    this.counts.rowsWrong += wrong;
    for (const line of differences) this.broken(line);
    if (wrong > 0 && differences.length === 0) this.broken(`${wrong} of ${compared} rows are wrong`);
  }

  figure(name: string, value: number | string): void {
    this.figures[name] = value;
  }

  /** Keeps the greatest value of a figure. */
  peak(name: string, value: number): void {
    this.figures[name] = Math.max(Number(this.figures[name] ?? Number.NEGATIVE_INFINITY), value);
  }

  get holds(): boolean {
    return this.#brokenCount === 0;
  }

  get brokenPromises(): readonly string[] {
    const left = this.#brokenCount - this.#broken.length;
    return left > 0 ? [...this.#broken, `and ${left} more`] : this.#broken;
  }
}
