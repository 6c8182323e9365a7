import type { Clock } from "../../clock.js";
import type { FaultKind } from "./faults.js";
import type { Served } from "./history.js";

export interface FakeMerchant {
  /** Served from the moment the server starts: start it before taking events if lists are to lag. */
  readonly salon: Served;
  readonly accessToken: string;
  /** The token is one of OAuth, not a personal one: it expires, and may not search events. */
  readonly oauth?: boolean;
  /** The token's scopes; all that Regulars reads with when left out. */
  readonly scopes?: readonly string[];
  /** The webhook subscriptions of the application that the token belongs to; none when left out. */
  readonly subscriptions?: readonly object[];
}

export interface FakeSquareOptions {
  readonly merchants: readonly FakeMerchant[];
  /** Square's present: defaults of time ranges, reach of the event search, what lags. The system's when left out. */
  readonly clock?: Clock;
  /** 0, the default, is any free port. */
  readonly port?: number;
  /** 127.0.0.1 when left out. */
  readonly host?: string;
  /** Requests a second for each merchant, then 429; no limit when left out. */
  readonly rateLimit?: number;
  /** What the rate limit counts by, milliseconds; real time when left out. */
  readonly rateClock?: () => number;
  /** How far lists and searches are behind, milliseconds; retrievals by id never are. */
  readonly lagMs?: number;
  /** Whether events are being kept for the search; off by default, as by Square. */
  readonly eventsEnabled?: boolean;
  /** How the event search answers a token of OAuth; 403 when left out. */
  readonly oauthEventsStatus?: 401 | 403;
  /** The only `Square-Version` header that is taken; any, or none, when left out. */
  readonly requiresVersion?: string;
}

/** What was asked of the server; no bodies. */
export interface LoggedRequest {
  /** Such as `GET /v2/bookings/{booking_id}`; method and path of what is no endpoint. */
  readonly endpoint: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly squareVersion: string | undefined;
  /** NULL for a token that nobody has. */
  readonly merchantId: string | null;
  /** The fault it met. */
  readonly fault: FaultKind | undefined;
  /** NULL when no answer was sent. */
  status: number | null;
}
