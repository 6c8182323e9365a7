import type { QueryCache } from "@tanstack/react-query";
import type { Change, Customer } from "./types.js";

/** The rows of customers in the answers that this tab has read. They tell what a value was before a change. */
export class SeenRows {
  readonly #cache: QueryCache;
  /** When each customer's row changed last, by the server's clock. An older row misses that change. */
  readonly #changedAt = new Map<string, number>();
  /** An answer from before this time may miss changes of any customer. */
  #since = 0;

  constructor(cache: QueryCache) {
    this.#cache = cache;
  }

  /** Changes went by untold. */
  forget(): void {
    this.#since = Date.now();
  }

  /** The row of the change's first customer as it was before, or undefined where no answer is sure to hold it. */
  before({ customer_ids, at }: Change): Customer | undefined {
    const [id] = customer_ids;
    const changeAt = Date.parse(at);
    const earlier = this.#changedAt.get(id ?? "") ?? Number.NEGATIVE_INFINITY;
    let found: Customer | undefined;
    for (const { state } of this.#cache.getAll()) {
      if (state.dataUpdatedAt < this.#since) continue;
      for (const row of rowsOf(state.data)) {
        const computedAt = Date.parse(row.computed_at);
        const fits = row.square_customer_id === id && computedAt >= earlier && computedAt < changeAt;
        if (fits && (!found || computedAt > Date.parse(found.computed_at))) found = row;
      }
    }
    for (const each of customer_ids) this.#changedAt.set(each, changeAt);
    return found;
  }
}

/** The customers of an answer: a list, a page of one, or one customer. */
function* rowsOf(answer: unknown): Generator<Customer> {
  const { pages, customers, customer } = (answer ?? {}) as Record<string, unknown>;
  for (const page of Array.isArray(pages) ? pages : []) yield* rowsOf(page);
  if (Array.isArray(customers)) yield* customers as Customer[];
  if (customer) yield customer as Customer;
}
