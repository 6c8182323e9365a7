import { RegularsError } from "../errors.js";

/** More is waiting than can be worked off soon: the sender should come back later. */
export class QueueFull extends RegularsError {
  constructor() {
    super("queue_full", "Too many events are waiting to be stored; deliver this one again later.");
  }
}

/** The process is stopping and takes nothing new. */
export class QueueClosed extends RegularsError {
  constructor() {
    super("shutting_down", "This server is stopping; deliver the event again.");
  }
}

/** What may go into one transaction, told apart by its key. */
export interface Lane {
  readonly key: string;
}

export interface GroupCommitOptions<L extends Lane, Item, Result> {
  /** Processes what was gathered in one lane; answers one result per item, in order. */
  readonly process: (lane: L, items: readonly Item[]) => Promise<readonly Result[]>;
  /** The most items of one transaction: bounds how many locks it holds and how long its neighbours wait. */
  readonly maxBatch: number;
  /** The most items that may wait, over all lanes. */
  readonly maxQueued: number;
  /** The most lanes in process at once; each takes a database connection. */
  readonly maxInFlight: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives in one lane while its transaction is in flight goes together into the next one. An idle
 * lane starts at once, so a lone item waits for nobody; under load the batches grow by themselves, and one commit is
 * shared by all of them.
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

  /** Items that wait for a transaction; those in one are not counted. */
  get queued(): number {
    return this.#queued;
  }

  /**
   * Resolves when the item's own transaction is durable.
   *
   * @throws {QueueFull} {QueueClosed}
   */
  submit(lane: L, item: Item): Promise<Result> {
    if (this.#drained) return Promise.reject(new QueueClosed());
    if (this.#queued >= this.#options.maxQueued) return Promise.reject(new QueueFull());
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(lane.key) ?? { lane, items: [] };
      waiting.items.push({ item, resolve, reject });
      this.#waiting.set(lane.key, waiting);
      this.#queued++;
      this.#startNext();
    });
  }

  /** Takes nothing new, and resolves when what was taken is done. */
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
      // Behind the other lanes, so that a busy one cannot starve them.
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
