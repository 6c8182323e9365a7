import { RegularsError } from "../errors.js";

/** Too many events are waiting. The sender must try again later. */
export class QueueFull extends RegularsError {
  constructor() {
    super("queue_full", "Too many events are waiting to be stored. Deliver this event again later.");
  }
}

/** The process is stopping and takes no new events. */
export class QueueClosed extends RegularsError {
  constructor() {
    super("shutting_down", "This server is stopping. Deliver the event again.");
  }
}

/** A queue of items that may share a transaction. The key identifies the lane. */
export interface Lane {
  readonly key: string;
}

export interface GroupCommitOptions<L extends Lane, Item, Result> {
  /** Processes items of one lane. Returns one result for each item, in order. */
  readonly process: (lane: L, items: readonly Item[]) => Promise<readonly Result[]>;
  /** The most items of one transaction. This limits its locks and its duration. */
  readonly maxBatch: number;
  /** The most items that may wait in all lanes together. */
  readonly maxQueued: number;
  /** The most of these that may wait in one lane. So a lane that is not processed leaves room for the others. */
  readonly maxQueuedInLane: number;
  /** The most lanes that are processed at once. Each uses a database connection. */
  readonly maxInFlight: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: items that arrive while their lane's transaction runs go into the next transaction together. An idle
 * lane starts at once, so a single item does not wait. Under load the batches grow, and their items share one commit.
 */
export class GroupCommit<L extends Lane, Item, Result> {
  readonly #options: GroupCommitOptions<L, Item, Result>;
  /** The lanes in which items wait, by key, each with its items in order of arrival. */
  readonly #waiting = new Map<string, { readonly lane: L; readonly items: Waiting<Item, Result>[] }>();
  readonly #inFlight = new Set<string>();
  #queued = 0;
  #drained: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(options: GroupCommitOptions<L, Item, Result>) {
    this.#options = options;
  }

  /** The number of items that wait for a transaction. */
  get queued(): number {
    return this.#queued;
  }

  /**
   * Resolves when the item's transaction is durable.
   *
   * @throws QueueFull, QueueClosed, and what `process` throws
   */
  submit(lane: L, item: Item): Promise<Result> {
    if (this.#drained) return Promise.reject(new QueueClosed());
    if (this.#queued >= this.#options.maxQueued) return Promise.reject(new QueueFull());
    const waiting = this.#waiting.get(lane.key) ?? { lane, items: [] };
    if (waiting.items.length >= this.#options.maxQueuedInLane) return Promise.reject(new QueueFull());
    return new Promise((resolve, reject) => {
      waiting.items.push({ item, resolve, reject });
      this.#waiting.set(lane.key, waiting);
      this.#queued++;
      this.#startNext();
    });
  }

  /** Takes no new items. Resolves when all items taken before are done. */
  close(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      this.#idle = resolve;
      if (this.#inFlight.size === 0) resolve();
    });
    return this.#drained;
  }

  #startNext(): void {
    for (const [key, waiting] of this.#waiting) {
      if (this.#inFlight.size >= this.#options.maxInFlight) return;
      if (this.#inFlight.has(key)) continue;
      const batch = waiting.items.splice(0, this.#options.maxBatch);
      // Moves the lane behind the others, so that a busy lane cannot starve them.
      this.#waiting.delete(key);
      if (waiting.items.length > 0) this.#waiting.set(key, waiting);
      this.#queued -= batch.length;
      this.#inFlight.add(key);
      void this.#run(waiting.lane, batch);
    }
  }

  async #run(lane: L, batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.process(
        lane,
        batch.map(({ item }) => item),
      );
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#inFlight.delete(lane.key);
    this.#startNext();
    if (this.#inFlight.size === 0) this.#idle?.();
  }
}
