import type { SalonEvent, Truth } from "../ledger.js";

export type Json = Readonly<Record<string, unknown>>;

/** An authorized call: what it asks for, and what the API knows at this instant. */
export interface Call {
  /** What a retrieval by id sees. */
  readonly truth: Truth;
  /** What lists and searches see. */
  readonly listed: Truth;
  readonly keptEvents: readonly SalonEvent[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The last part of the path. */
  readonly id: string;
  /** Parameters of a GET, as text, or the body of a POST; without the cursor. */
  readonly given: Json;
}

/** A list that is answered in pages; an empty page leaves the key out. */
export interface Listing {
  readonly key: string;
  readonly limit: number;
  /** The whole list, asked for once: the pages of one query show one state. */
  readonly rows: () => readonly object[];
  /** What stands beside the list in an answer that has rows. */
  readonly beside?: (rows: readonly object[], last: boolean) => object;
}

/** One operation of the API; it stands under its method and path, such as `GET /v2/payments/{id}`. */
export type Endpoint = {
  /** Query parameters or keys of the body beside `cursor`; any other is refused. */
  readonly accepts?: readonly string[];
} & ({ readonly object: (call: Call) => object } | { readonly list: (call: Call) => Listing });

export type Endpoints = Readonly<Record<string, Endpoint>>;
