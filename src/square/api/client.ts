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
  /** Replaces the environment's address, for a fake Square such as `http://127.0.0.1:4100`. */
  readonly baseUrl?: string | undefined;
  /**
   * All clients of the merchant in this process share it. Square publishes no limit. Sellers have met it at about 6.
   */
  readonly requestsPerSecond?: number;
  /** The time for one attempt, from connecting to the body's last byte. */
  readonly timeoutMs?: number;
  /**
   * How often a request may fail with the same code, including the first attempt. Some codes allow fewer (retry.ts).
   */
  readonly attempts?: number;
  /** The largest accepted body. */
  readonly maxBodyBytes?: number;
  readonly wait?: Timing["wait"];
  readonly now?: Timing["now"];
  /** Returns a number in [0, 1) for the jitter. */
  readonly random?: () => number;
  readonly onRetry?: (retry: Retry) => void;
  /** After an abort every call fails at once with `square_interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

const BASE_URLS = {
  production: "https://connect.squareup.com",
  sandbox: "https://connect.squareupsandbox.com",
};

/** Square's largest page of payments, refunds, customers and events. */
const PAGE = 100;
const TEAM_PAGE = 200;
const CATALOG_PAGE = 1000;
/**
 * Square does not publish its largest page of bookings (an older SDK said 10,000). 500 works in production and is
 * well within the time-out. A busy month of a salon has two or three such pages.
 */
const BOOKINGS_PAGE = 500;

const DAY_MS = 86_400_000;
const LONGEST_BOOKINGS_WINDOW_MS = 31 * DAY_MS;

/** Earlier than Square's first payment. */
const BEFORE_SQUARE = "2009-01-01T00:00:00Z";

/**
 * Opens Square's API for one merchant. Nothing is loaded or sent before the first call. No error, log or inspection
 * of the result shows the token.
 *
 * The methods throw SquareApiError. They throw RangeError for a call that can never succeed: too many ids, a window
 * that is too long, or an impossible id.
 */
export function openSquareApi(options: SquareApiOptions): SquareApi {
  const ask = asker(options);
  return { ...lists(ask), ...searches(ask), ...singles(ask), ...bulks(ask) };
}

/** Builds the request of an SDK call, sends it, and reads the answer. */
type Ask = <T>(call: SdkCall, read: (body: JsonObject) => T) => Promise<T>;

/** The address of Square's API, without a slash at the end. */
export function baseUrlOf({
  baseUrl,
  environment,
}: Pick<SquareApiOptions, "baseUrl" | "environment">): string {
  return (baseUrl ?? BASE_URLS[environment]).replace(/\/+$/, "");
}

/** How requests are sent. Requests with the same `merchantId` share one rate. */
export function transportOf(options: Omit<SquareApiOptions, "accessToken">): TransportOptions {
  return {
    limiter: limiterOf(baseUrlOf(options), options.merchantId),
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
}

function asker(options: SquareApiOptions): Ask {
  const { accessToken } = options;
  const baseUrl = options.baseUrl ?? BASE_URLS[options.environment];
  const transport = transportOf(options);
  return async (call, read) => {
    // Building a header from such a token throws an error that quotes it.
    if (!/^[!-~]+$/.test(accessToken)) {
      throw new SquareApiError(
        "square_unauthorized",
        "The access token is empty or holds a character that a header cannot hold",
      );
    }
    return send(await buildRequest({ accessToken, baseUrl }, call), read, transport);
  };
}

function lists(ask: Ask): Pick<SquareApi, "locations" | "bookings" | "payments" | "refunds" | "customers"> {
  return {
    async locations() {
      const call: SdkCall = (square) => square.locations.list();
      return ask(call, readLocations);
    },
    async bookings({ startAtMin, startAtMax, cursor }) {
      if (startAtMax.getTime() - startAtMin.getTime() > LONGEST_BOOKINGS_WINDOW_MS) {
        throw new RangeError("A window of bookings can be at most 31 days long");
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
      // The time of creation does not change while the pages are read. Names may change.
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
        // The 404 must come from Square. A proxy's 404 does not prove that the payment is missing.
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
 * Selects payments and refunds by `updated_at`, oldest change first. `begin_time` filters by creation. Its default
 * would leave out what was created more than a year ago.
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

/**
 * Refuses an empty list, because every seller has a location. Payments are read by location, so all would be missed.
 */
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

/** Refuses ids that would change the request's path: an empty one, and dots. */
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
