import type { Collection, Kept, LedgerWatcher, SalonEvent, Truth, TruthChange } from "../ledger.js";

/** What a fake API needs of a salon: its truth, and to be told of changes where lists are to lag behind. */
export interface Served {
  readonly truth: Truth;
  watch?(watcher: LedgerWatcher): () => void;
}

/** The truth at one instant. */
export interface View {
  readonly truth: Truth;
  get<Name extends Collection>(collection: Name, id: string): Kept<Name> | undefined;
  all<Name extends Collection>(collection: Name): readonly Kept<Name>[];
}

/**
 * What a salon's truth was at earlier instants. Only what changes replaced is kept, from the moment the history
 * begins: before that, everything counts as having always been as it was then.
 */
export class History {
  readonly truth: Truth;
  /** Made while `recordEvents` was on, in their order. */
  readonly events: SalonEvent[] = [];
  recordEvents: boolean;
  readonly #changes: TruthChange[] = [];
  readonly stop: () => void;

  constructor(salon: Served, recordEvents: boolean) {
    this.truth = salon.truth;
    this.recordEvents = recordEvents;
    const stop = salon.watch?.({
      changed: (change) => this.#changes.push(change),
      announced: (event) => {
        if (this.recordEvents) this.events.push(event);
      },
    });
    this.stop = stop ?? (() => {});
  }

  /** @param instant milliseconds since the epoch; changes at that very instant have happened */
  at(instant: number): View {
    const undone = new Map<Collection, Map<string, object | undefined>>();
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const change = this.#changes[index] as TruthChange;
      if (change.at <= instant) break;
      const before = undone.get(change.collection) ?? new Map();
      undone.set(change.collection, before.set(change.id, change.before));
    }
    return new PastView(this.truth, undone);
  }
}

class PastView implements View {
  readonly truth: Truth;
  readonly #undone: ReadonlyMap<Collection, ReadonlyMap<string, object | undefined>>;

  constructor(truth: Truth, undone: ReadonlyMap<Collection, ReadonlyMap<string, object | undefined>>) {
    this.truth = truth;
    this.#undone = undone;
  }

  get<Name extends Collection>(collection: Name, id: string): Kept<Name> | undefined {
    const undone = this.#undone.get(collection);
    return (undone?.has(id) ? undone.get(id) : this.truth[collection].get(id)) as Kept<Name> | undefined;
  }

  all<Name extends Collection>(collection: Name): readonly Kept<Name>[] {
    const present = this.truth[collection] as ReadonlyMap<string, object>;
    const undone = this.#undone.get(collection);
    if (!undone) return [...present.values()] as Kept<Name>[];
    const past = new Map<string, object | undefined>([...present, ...undone]);
    return [...past.values()].filter((object) => object !== undefined) as Kept<Name>[];
  }
}
