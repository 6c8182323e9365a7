import { setTimeout as sleep } from "node:timers/promises";
import type { SquareClient } from "square";
import type { JsonObject } from "../types.js";
import { InvalidAnswer, readObject, readPage, readRetrieved, readWhole } from "./answer.js";
import { MAX_IDS, type Page, type SquareApi, type UpdatedFilter } from "./api.js";
import { SquareApiError } from "./api-error.js";
import { limiterOf, type Timing } from "./limiter.js";
import { buildRequest, type SdkCall } from "./sdk.js";
import { type Retry, send, type TransportOptions } from "./transport.js";

export type { Retry } from "./transport.js";

export interface SquareApiOptions {
  readonly accessToken: string;
  readonly merchantId: string;
  readonly environment: "production" | "sandbox";
  /** Instead of the environment's address: a fake Square, such as `http://127.0.0.1:4100`. */
  readonly baseUrl?: string | undefined;
  /** Shared by all clients of the merchant in this process. Square publishes no limit; sellers met it at about 6. */
  readonly requestsPerSecond?: number;
  /** For one attempt, from connecting to the body's last byte. */
  readonly timeoutMs?: number;
  /** How often a request may fail in one way, the first attempt included; fewer for what seldom passes. */
  readonly attempts?: number;
  /** The largest body that is read. */
  readonly maxBodyBytes?: number;
  readonly wait?: Timing["wait"];
  readonly now?: Timing["now"];
  /** In [0, 1), for the jitter. */
  readonly random?: () => number;
  readonly onRetry?: (retry: Retry) => void;
  /** Aborted when nobody waits for an answer any more: every call then fails with `square_interrupted`, at once. */
  readonly signal?: AbortSignal | undefined;
}

const BASE_URLS = {
  production: "https://connect.squareup.com",
  sandbox: "https://connect.squareupsandbox.com",
};

/** The most Square gives on one page of payments, refunds, customers and events. */
const PAGE = 100;
const TEAM_PAGE = 200;
const CATALOG_PAGE = 1000;
/**
 * How many bookings Square gives on one page is not published (an older SDK said 10,000). 500 is known to work in
 * production, is well within the time-out, and brings a busy month of a salon in two or three pages.
 */
const BOOKINGS_PAGE = 500;

const DAY_MS = 86_400_000;
const LONGEST_BOOKINGS_WINDOW_MS = 31 * DAY_MS;

/** Before Square took its first payment. */
const BEFORE_SQUARE = "2009-01-01T00:00:00Z";

/**
 * Opens Square's API for one merchant. Nothing is loaded or sent before the first call.
 *
 * The token stays in here: no error, log or inspection of the result shows it. Beside {SquareApiError} the methods throw
 * RangeError for a call that can never be right: too many ids, too long a window, an id that is none.
 */
export function openSquareApi(options: SquareApiOptions): SquareApi {
  const ask = asker(options);
  return { ...lists(ask), ...searches(ask), ...singles(ask), ...bulks(ask) };
}

/** Makes the request of an SDK call, sends it, and takes from the answer what was asked for. */
type Ask = <T>(call: SdkCall, read: (body: JsonObject) => T) => Promise<T>;

function asker(options: SquareApiOptions): Ask {
  const { accessToken } = options;
  const baseUrl = options.baseUrl ?? BASE_URLS[options.environment];
  const transport: TransportOptions = {
    limiter: limiterOf(baseUrl, options.merchantId),
    requestsPerSecond: options.requestsPerSecond ?? 5,
    timeoutMs: options.timeoutMs ?? 20_000,
    attempts: options.attempts ?? 5,
    maxBodyBytes: options.maxBodyBytes ?? 32 * 1024 * 1024,
    wait: options.wait ?? ((ms) => sleep(Math.ceil(ms))),
    now: options.now ?? (() => performance.timeOrigin + performance.now()),
    random: options.random ?? Math.random,
    onRetry: options.onRetry ?? (() => {}),
    signal: options.signal,
  };
  return async (call, read) => {
    // The error that building such a header throws would quote the token. An empty one would be no token at all.
    if (!/^[!-~]+$/.test(accessToken)) {
      throw new SquareApiError(
        "square_unauthorized",
        "The access token is empty or holds a character that no header can",
      );
    }
    return send(await buildRequest({ accessToken, baseUrl }, call), read, transport);
  };
}

function lists(
  ask: Ask,
): Pick<SquareApi, "locations" | "bookings" | "payments" | "refunds" | "customers" | "webhookSubscriptions"> {
  return {
    async webhookSubscriptions({ cursor }) {
      const request = { includeDisabled: true, limit: PAGE, ...next(cursor) };
      return ask((square) => square.webhooks.subscriptions.list(request), page("subscriptions"));
    },
    async locations() {
      const call: SdkCall = (square) => square.locations.list();
      return ask(call, readLocations);
    },
    async bookings({ startAtMin, startAtMax, cursor }) {
      if (startAtMax.getTime() - startAtMin.getTime() > LONGEST_BOOKINGS_WINDOW_MS) {
        throw new RangeError("A window of bookings is at most 31 days long");
      }
      const request = {
        startAtMin: startAtMin.toISOString(),
        startAtMax: startAtMax.toISOString(),
        limit: BOOKINGS_PAGE,
        ...next(cursor),
      };
      return ask((square) => square.bookings.list(request), page("bookings"));
    },
    async payments({ locationId, ...filter }) {
      const request = { ...updated(filter), locationId: requireId(locationId) };
      return ask((square) => square.payments.list(request), page("payments"));
    },
    async refunds(filter) {
      const request = updated(filter);
      return ask((square) => square.refunds.list(request), page("refunds"));
    },
    async customers({ cursor }) {
      // Names change while one reads, the time of creation does not.
      const request = { sortField: "CREATED_AT", sortOrder: "ASC", limit: PAGE, ...next(cursor) } as const;
      return ask((square) => square.customers.list(request), page("customers"));
    },
  };
}

function searches(ask: Ask): Pick<SquareApi, "customersUpdated" | "teamMembers" | "catalog" | "events"> {
  return {
    async customersUpdated({ updatedFrom, updatedTo, cursor }) {
      const updatedAt = { startAt: updatedFrom.toISOString(), endAt: updatedTo.toISOString() };
      const query = { filter: { updatedAt }, sort: { field: "CREATED_AT", order: "ASC" } } as const;
      const request = { query, limit: BigInt(PAGE), ...next(cursor) };
      return ask((square) => square.customers.search(request), page("customers"));
    },
    async teamMembers({ cursor }) {
      const request = { limit: TEAM_PAGE, ...next(cursor) };
      return ask((square) => square.teamMembers.search(request), page("team_members"));
    },
    async catalog({ changedAfter, cursor }) {
      const request: Parameters<SquareClient["catalog"]["search"]>[0] = {
        objectTypes: ["ITEM", "ITEM_VARIATION"],
        includeDeletedObjects: true,
        includeRelatedObjects: false,
        limit: CATALOG_PAGE,
        ...(changedAfter && { beginTime: changedAfter.toISOString() }),
        ...next(cursor),
      };
      return ask((square) => square.catalog.search(request), page("objects"));
    },
    async events({ createdFrom, createdTo, cursor }) {
      const createdAt = { startAt: createdFrom.toISOString(), endAt: createdTo.toISOString() };
      const query = { filter: { createdAt }, sort: { field: "DEFAULT", order: "ASC" } } as const;
      const request = { query, limit: PAGE, ...next(cursor) };
      return ask((square) => square.events.searchEvents(request), page("events"));
    },
  };
}

function singles(ask: Ask): Pick<SquareApi, "merchant" | "tokenStatus" | "payment"> {
  return {
    async merchant() {
      const call: SdkCall = (square) => square.merchants.get({ merchantId: "me" });
      return ask(call, (body) => readObject(body, "merchant"));
    },
    async tokenStatus() {
      const call: SdkCall = (square) => square.oAuth.retrieveTokenStatus();
      return ask(call, (body) => readWhole(body, "merchant_id"));
    },
    async payment(id) {
      const request = { paymentId: requireId(id) };
      const call: SdkCall = (square) => square.payments.get(request);
      try {
        return await ask(call, (body) => readObject(body, "payment"));
      } catch (error) {
        // Only Square itself can say so: a proxy's 404 is no proof of absence.
        if (error instanceof SquareApiError && isNotFound(error)) return null;
        throw error;
      }
    },
  };
}

function bulks(ask: Ask): Pick<SquareApi, "bookingsById" | "customersById" | "ordersById"> {
  return {
    async bookingsById(ids) {
      if (!some(ids)) return new Map();
      const request = { bookingIds: [...ids] };
      const call: SdkCall = (square) => square.bookings.bulkRetrieveBookings(request);
      return ask(call, (body) => readRetrieved(body, ids, ["bookings", "booking"]));
    },
    async customersById(ids) {
      if (!some(ids)) return new Map();
      const request = { customerIds: [...ids] };
      const call: SdkCall = (square) => square.customers.bulkRetrieveCustomers(request);
      return ask(call, (body) => readRetrieved(body, ids, ["responses", "customer"]));
    },
    async ordersById(ids) {
      if (!some(ids)) return [];
      const request = { orderIds: [...ids] };
      const call: SdkCall = (square) => square.orders.batchGet(request);
      return ask(call, (body) => readPage(body, "orders").objects);
    },
  };
}

/**
 * Payments and refunds by `updated_at`, oldest change first. `begin_time` filters by creation, and without it Square leaves
 * out what was made more than a year ago.
 */
function updated({ updatedFrom, updatedTo, cursor }: UpdatedFilter) {
  return {
    beginTime: BEFORE_SQUARE,
    updatedAtBeginTime: updatedFrom.toISOString(),
    updatedAtEndTime: updatedTo.toISOString(),
    sortField: "UPDATED_AT",
    sortOrder: "ASC",
    limit: PAGE,
    ...next(cursor),
  } as const;
}

/** Every seller has one. Believing in none would leave out all payments, which are read location by location. */
function readLocations(body: JsonObject): readonly JsonObject[] {
  const locations = readPage(body, "locations").objects;
  if (locations.length === 0) throw new InvalidAnswer("has no locations");
  return locations;
}

function page(key: string): (body: JsonObject) => Page {
  return (body) => readPage(body, key);
}

function next(cursor: string | undefined): { cursor?: string } {
  return cursor ? { cursor } : {};
}

/** An id that leaves a path what it is: without one, `GET /v2/payments/{id}` would be another request. */
function requireId(id: string): string {
  if (/^\.*$/.test(id)) throw new RangeError("Square has no such id");
  return id;
}

function some(ids: readonly string[]): boolean {
  if (ids.length > MAX_IDS) throw new RangeError(`${ids.length} ids are more than ${MAX_IDS}`);
  return ids.length > 0;
}

function isNotFound(error: SquareApiError): boolean {
  return error.code === "square_not_found" && error.squareCodes.includes("NOT_FOUND");
}
