/**
 * One stream of changes for all tabs of a browser: the tab that holds the lock reads it and tells the others. Every
 * tab refetches what it shows at most twice a second, and never while answers are still on their way.
 */
import type { Query, QueryClient } from "@tanstack/react-query";
import { SeenRows } from "./seen-rows.js";
import type { Change, Customer } from "./types.js";

export type LiveState = "connecting" | "live" | "lost";

export interface LiveSnapshot {
  readonly state: LiveState;
  /** The newest first. */
  readonly changes: readonly ToldChange[];
}

/** A change, and the row of its first customer before it where this tab knows that. */
export interface ToldChange extends Change {
  readonly before: Customer | undefined;
}

type Message =
  | { readonly kind: "state"; readonly state: LiveState }
  | { readonly kind: "change"; readonly change: Change }
  /** More changed than the stream tells one by one. */
  | { readonly kind: "many" }
  /** A tab that has just opened asks for the state. */
  | { readonly kind: "hello" };

const KEPT = 30;
/** Of a list that somebody walks through, no more is asked for again. */
const REFETCHED_PAGES = 3;
const TICK_MS = 500;
const RECONNECT_AFTER_MS = 5_000;
const POLL_EVERY_MS = 5_000;

export class Live {
  #snapshot: LiveSnapshot = { state: "connecting", changes: [] };
  readonly #watchers = new Set<() => void>();
  readonly #queries: QueryClient;
  readonly #organizationId: string;
  #isStale = false;
  #arrived: ToldChange[] = [];
  readonly #rows: SeenRows;

  constructor(queries: QueryClient, organizationId: string) {
    this.#queries = queries;
    this.#rows = new SeenRows(queries.getQueryCache());
    this.#organizationId = organizationId;
  }

  readonly subscribe = (watcher: () => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly snapshot = () => this.#snapshot;

  /** @returns how to stop */
  start(): () => void {
    const stopped = new AbortController();
    const { signal } = stopped;
    const name = `regulars live ${this.#organizationId}`;
    const channel = new BroadcastChannel(name);
    let leads = false;
    const tell = (message: Message) => {
      channel.postMessage(message);
      this.#take(message);
    };
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.kind === "hello") {
        if (leads) channel.postMessage({ kind: "state", state: this.#snapshot.state } satisfies Message);
      } else this.#take(data);
    };
    channel.postMessage({ kind: "hello" } satisfies Message);
    const lead = () => {
      leads = true;
      // Nobody read while the stream went from a closed tab to this one.
      if (this.#snapshot.state === "live") tell({ kind: "state", state: "lost" });
      return readStream(`/api/organizations/${this.#organizationId}/live`, tell, signal);
    };
    // Only secure pages have locks; without them each tab reads a stream of its own.
    if (navigator.locks) navigator.locks.request(name, { signal }, lead).catch(() => {});
    else lead();
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    const polling = setInterval(() => {
      if (this.#snapshot.state !== "live") this.#isStale = true;
    }, POLL_EVERY_MS);
    return () => {
      stopped.abort();
      clearInterval(ticking);
      clearInterval(polling);
      channel.close();
    };
  }

  #take(message: Message): void {
    const { state } = this.#snapshot;
    if (message.kind === "change") {
      this.#arrived.unshift({ ...message.change, before: this.#rows.before(message.change) });
    }
    // What happened while there was no stream is not known.
    const isGap = message.kind === "many" || (message.kind === "state" && message.state !== state);
    if (isGap) this.#rows.forget();
    const isBack = message.kind === "state" && message.state === "live" && state === "lost";
    if (message.kind !== "state" || isBack) this.#isStale = true;
    if (isBack) this.#queries.refetchQueries({ predicate: hasOnlyFailed });
    if (message.kind === "state") this.#show({ state: message.state });
    else if (state === "connecting") this.#show({ state: "live" });
  }

  #show(changed: Partial<LiveSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...changed };
    for (const watcher of this.#watchers) watcher();
  }

  /** A burst is shown at once, and asked for once. */
  #tick(): void {
    if (this.#arrived.length > 0) {
      const changes = [...this.#arrived, ...this.#snapshot.changes].slice(0, KEPT);
      this.#arrived = [];
      this.#show({ changes });
    }
    const moves = (query: Query) =>
      query.meta?.fixed !== true && pagesOf(query.state.data) <= REFETCHED_PAGES && !hasOnlyFailed(query);
    if (!this.#isStale || document.hidden || this.#queries.isFetching({ predicate: moves }) > 0) return;
    this.#isStale = false;
    this.#queries.invalidateQueries({ predicate: moves });
  }
}

/** What failed says so until somebody tries again or the server is back. Asked with each change, it would flicker. */
function hasOnlyFailed({ state }: Query): boolean {
  return state.status === "error" && state.data === undefined;
}

/** How many pages of a list somebody has walked through. */
function pagesOf(data: unknown): number {
  return (data as { pages?: unknown[] } | undefined)?.pages?.length ?? 1;
}

/** Reads the stream until the signal, and opens it again when it was refused. */
async function readStream(url: string, tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await readOnce(url, tell, signal);
    tell({ kind: "state", state: "lost" });
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_AFTER_MS));
  }
}

function readOnce(url: string, tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const source = new EventSource(url);
    const end = () => {
      source.close();
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
    source.onopen = () => tell({ kind: "state", state: "live" });
    source.onerror = () => {
      tell({ kind: "state", state: "lost" });
      // A browser tries again by itself, except after a refusal.
      if (source.readyState === EventSource.CLOSED) end();
    };
    source.addEventListener("change", ({ data }) => tell({ kind: "change", change: JSON.parse(data) }));
    source.addEventListener("many", () => tell({ kind: "many" }));
  });
}
