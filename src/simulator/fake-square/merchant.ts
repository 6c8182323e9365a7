import type { SalonEvent, Truth } from "../ledger.js";

/** A merchant of the fake API. A simulated salon is one. */
export interface Served {
  /** The present objects. A retrieval by id answers these. */
  readonly truth: Truth;
  /** The objects in lists and searches, which may lag behind at Square. The default is `truth`. */
  readonly listed?: Truth;
  /** The events that the event search finds. The default is none: the search is off by default at Square. */
  readonly keptEvents?: readonly SalonEvent[];
}

export interface FakeMerchant {
  readonly salon: Served;
  readonly accessToken: string;
}
