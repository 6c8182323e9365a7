interface Entry<Item> {
  readonly at: number;
  readonly sequence: number;
  readonly item: Item;
}

/**
 * The planned steps, earliest first (a binary heap). Steps of one instant keep the order in which they were added.
 */
export class Agenda<Item> {
  readonly #heap: Entry<Item>[] = [];
  #sequence = 0;

  /** @param at milliseconds since the epoch */
  add(at: number, item: Item): void {
    const entry = { at, sequence: this.#sequence++, item };
    let index = this.#heap.length;
    this.#heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent] as Entry<Item>;
      if (!earlier(entry, above)) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  /** Removes and returns the next step if it is due before `until` (exclusive). */
  takeBefore(until: number): { readonly at: number; readonly item: Item } | undefined {
    const first = this.#heap[0];
    if (!first || first.at >= until) return undefined;
    const last = this.#heap.pop() as Entry<Item>;
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<Item>): void {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = this.#heap[child];
      if (!left) break;
      const right = this.#heap[child + 1];
      if (right && earlier(right, left)) child++;
      const below = this.#heap[child] as Entry<Item>;
      if (!earlier(below, entry)) break;
      this.#heap[index] = below;
      index = child;
    }
    this.#heap[index] = entry;
  }
}

function earlier(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
