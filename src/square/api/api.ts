import type { JsonObject } from "../types.js";

/**
 * What Regulars asks of Square. Every method only reads.
 *
 * Objects are in wire shape (snake_case, read by `readJson`). A webhook of the same object carries the same fields,
 * and the same parsers read them (src/square/schemas/).
 *
 * Every method checks the answer: its status, its media type, `errors`, and that a list is a list. Any problem is a
 * `SquareApiError`, never an empty page.
 *
 * All instants are in UTC. Every method throws SquareApiError.
 */
export interface SquareApi {
  /** The merchant that the token belongs to. GET /v2/merchants/me */
  merchant(): Promise<JsonObject>;
  /** The token's scopes, expiry and merchant. POST /oauth2/token/status */
  tokenStatus(): Promise<JsonObject>;
  /** All locations, including inactive ones. At least one. GET /v2/locations */
  locations(): Promise<readonly JsonObject[]>;
  /** Bookings by `start_at`, in a window of at most 31 days. GET /v2/bookings */
  bookings(window: {
    readonly startAtMin: Date;
    readonly startAtMax: Date;
    readonly cursor?: string | undefined;
  }): Promise<Page>;
  /** Bookings by id, at most `MAX_IDS`. POST /v2/bookings/bulk-retrieve */
  bookingsById(ids: readonly string[]): Promise<Retrieved>;
  /**
   * Payments of one location, oldest change first. Without a location Square would return those of the main location
   * only. GET /v2/payments
   */
  payments(filter: UpdatedFilter & { readonly locationId: string }): Promise<Page>;
  /** One payment. Null when Square answers NOT_FOUND. GET /v2/payments/{id} */
  payment(id: string): Promise<JsonObject | null>;
  /** Refunds of all locations, oldest change first. GET /v2/refunds */
  refunds(filter: UpdatedFilter): Promise<Page>;
  /** Profiles that have a name, company, e-mail or phone, in no useful order. POST /v2/customers/search */
  customersUpdated(filter: UpdatedFilter): Promise<Page>;
  /** All profiles that are not deleted. GET /v2/customers */
  customers(page: { readonly cursor?: string | undefined }): Promise<Page>;
  /**
   * Profiles by id, at most `MAX_IDS`. For the id of a merged profile Square returns the survivor, which has another
   * id. POST /v2/customers/bulk-retrieve
   */
  customersById(ids: readonly string[]): Promise<Retrieved>;
  /** Active and inactive team members. POST /v2/team-members/search */
  teamMembers(page: { readonly cursor?: string | undefined }): Promise<Page>;
  /**
   * Items with their variations, and variations, changed after an instant, including deleted ones. POST
   * /v2/catalog/search
   */
  catalog(filter: {
    readonly changedAfter?: Date | undefined;
    readonly cursor?: string | undefined;
  }): Promise<Page>;
  /** Orders by id, at most `MAX_IDS`. Unknown ids are left out. POST /v2/orders/batch-retrieve */
  ordersById(ids: readonly string[]): Promise<readonly JsonObject[]>;
  /**
   * Events of the last 28 days by their `created_at`, oldest first. The seller's application must have enabled them.
   * POST /v2/events
   */
  events(filter: {
    readonly createdFrom: Date;
    readonly createdTo: Date;
    readonly cursor?: string | undefined;
  }): Promise<Page>;
}

/** The most ids in one request. */
export const MAX_IDS = 100;

export interface UpdatedFilter {
  readonly updatedFrom: Date;
  readonly updatedTo: Date;
  readonly cursor?: string | undefined;
}

export interface Page {
  readonly objects: readonly JsonObject[];
  /** Where the next page begins. Null at the end. Square's cursors expire after some minutes. */
  readonly cursor: string | null;
}

/**
 * Objects by requested id. Null when Square answered NOT_FOUND for the id. Without an answer for it, the id is
 * absent.
 */
export type Retrieved = ReadonlyMap<string, JsonObject | null>;

/** Opens the API for one merchant. `openSquareApi` (src/square/api/client.ts) is the real implementation. */
export type OpenSquareApi = (access: {
  readonly merchantId: string;
  readonly accessToken: string;
  /** After an abort every call fails at once with `square_interrupted`. */
  readonly signal?: AbortSignal | undefined;
}) => SquareApi;
