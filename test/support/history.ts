import type {
  Collection,
  LedgerWatcher,
  SalonEvent,
  Truth,
  TruthChange,
} from "../../src/simulator/ledger.js";

/** A salon whose changes can be watched while its events are taken. */
export interface WatchedSalon {
  readonly truth: Truth;
  watch(watcher: LedgerWatcher): unknown;
}

/**
 * A salon's truth at earlier instants. It keeps what each change has replaced since the history began. For earlier
 * instants it has the truth of that beginning.
 */
export class History {
  readonly #truth: Truth;
  readonly #changes: TruthChange[] = [];
  readonly #events: SalonEvent[] = [];

  constructor({ truth, watch }: WatchedSalon) {
    this.#truth = truth;
    watch({
      changed: (change) => this.#changes.push(change),
      announced: (event) => this.#events.push(event),
    });
  }

  /** @param instant milliseconds since the epoch. Changes at this instant have happened */
  truthAt(instant: number): Truth {
    const past: Partial<Record<Collection, Map<string, object>>> = {};
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const { at, collection, id, before } = this.#changes[index] as TruthChange;
      if (at <= instant) break;
      past[collection] ??= new Map<string, object>(this.#truth[collection]);
      if (before === undefined) past[collection].delete(id);
      else past[collection].set(id, before);
    }
    return { ...this.#truth, ...(past as Partial<Truth>) };
  }

  eventsUntil(instant: number): readonly SalonEvent[] {
    return this.#events.filter(({ at }) => at.getTime() <= instant);
  }
}
