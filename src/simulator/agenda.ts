interface Entry {
  readonly at: number;
  readonly sequence: number;
  readonly run: () => void;
}

/** What is still to happen, earliest first (a binary heap); equal instants keep the order they were added in. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #sequence = 0;

  /** @param at milliseconds since the epoch */
  add(at: number, run: () => void): void {
    const entry = { at, sequence: this.#sequence++, run };
    let index = this.#heap.length;
    this.#heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent] as Entry;
      if (!earlier(entry, above)) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  /** Takes the next entry out, if it is due before `until` (exclusive). */
  takeBefore(until: number): Entry | undefined {
    const first = this.#heap[0];
    if (!first || first.at >= until) return undefined;
    const last = this.#heap.pop() as Entry;
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry): void {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = this.#heap[child];
      if (!left) break;
      const right = this.#heap[child + 1];
      if (right && earlier(right, left)) child++;
      const below = this.#heap[child] as Entry;
      if (!earlier(below, entry)) break;
      this.#heap[index] = below;
      index = child;
    }
    this.#heap[index] = entry;
  }
}

function earlier(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
