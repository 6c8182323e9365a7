import type { History, View } from "./history.js";

export type Json = Readonly<Record<string, unknown>>;

/** One merchant as a call sees it. */
export interface CallMerchant {
  readonly history: History;
  readonly id: string;
  /** A token of OAuth, which may not search events. */
  readonly oauth: boolean;
  readonly scopes: readonly string[];
  readonly subscriptions: readonly object[];
}

/** A call that passed the door: who calls, what for, and what the API knows at this instant. */
export interface Call {
  readonly merchant: CallMerchant;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The present: what a retrieval by id sees. */
  readonly present: View;
  /** What lists and searches see, which may lag behind. */
  readonly listed: View;
  /** The instant of `listed`, milliseconds since the epoch. */
  readonly listedAt: number;
  /** The id in the path, empty when it has none. */
  readonly id: string;
  /** Parameters of a GET, as text. */
  readonly query: Readonly<Record<string, string>>;
  /** Body of a POST. */
  readonly body: Json;
}

/** A list that is answered in pages; an empty one leaves the key out. */
export interface Listing {
  readonly key: string;
  readonly limit: number;
  /** The whole list, asked for once: the pages of one query show one state. */
  readonly rows: () => readonly object[];
  /** What stands beside the list in an answer that has rows. */
  readonly beside?: (rows: readonly object[], last: boolean) => object;
}

export type Answer = { readonly object: object } | { readonly list: Listing };
