import type { SalonEvent, Truth } from "../ledger.js";

export type Json = Readonly<Record<string, unknown>>;

/** An authorized call: the request, and the API's objects at this instant. */
export interface Call {
  /** The objects for a retrieval by id. */
  readonly truth: Truth;
  /** The objects for lists and searches. */
  readonly listed: Truth;
  readonly keptEvents: readonly SalonEvent[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The last part of the path. */
  readonly id: string;
  /** The parameters of a GET, as text, or the body of a POST, without the cursor. */
  readonly given: Json;
}

/** A list that is answered in pages. An empty page omits the key. */
export interface Listing {
  readonly key: string;
  readonly limit: number;
  /** The whole list. It is read once, so the pages of one query show one state. */
  readonly rows: () => readonly object[];
  /** Further keys of an answer with rows. */
  readonly beside?: (rows: readonly object[], last: boolean) => object;
}

/** One operation of the API. Its key is the method and path, such as `GET /v2/payments/{id}`. */
export type Endpoint = {
  /** Allowed query parameters or body keys, besides `cursor`. Any other is refused. */
  readonly accepts?: readonly string[];
} & ({ readonly object: (call: Call) => object } | { readonly list: (call: Call) => Listing });

export type Endpoints = Readonly<Record<string, Endpoint>>;
