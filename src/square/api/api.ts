import type { JsonObject } from "../types.js";

/**
 * What Regulars asks of Square: the one small interface in front of the SDK. Every method only reads.
 *
 * Objects are in wire shape (snake_case, read by `readJson`, so integers beyond 2^53 are bigint): byte for byte what a
 * webhook of the same object carries, and read by the same parsers (src/square/schemas.ts).
 *
 * Every method checks the answer before it believes it: status, media type, `errors`, and that the list is a list.
 * Whatever is wrong is a `SquareApiError`, never an empty page.
 *
 * All instants are UTC. Every method throws {SquareApiError}.
 */
export interface SquareApi {
  /** The merchant that the token belongs to. GET /v2/merchants/me */
  merchant(): Promise<JsonObject>;
  /** Scopes, expiry, merchant of the token. POST /oauth2/token/status */
  tokenStatus(): Promise<JsonObject>;
  /** All locations, inactive ones too; never none. GET /v2/locations */
  locations(): Promise<readonly JsonObject[]>;
  /** Bookings by `start_at`; Square takes windows of at most 31 days. GET /v2/bookings */
  bookings(window: {
    readonly startAtMin: Date;
    readonly startAtMax: Date;
    readonly cursor?: string | undefined;
  }): Promise<Page>;
  /** By id, at most `MAX_IDS`. POST /v2/bookings/bulk-retrieve */
  bookingsById(ids: readonly string[]): Promise<Retrieved>;
  /** One location's, oldest change first; without a location Square would answer the main one only. GET /v2/payments */
  payments(filter: UpdatedFilter & { readonly locationId: string }): Promise<Page>;
  /** NULL where Square says NOT_FOUND. GET /v2/payments/{id} */
  payment(id: string): Promise<JsonObject | null>;
  /** All locations', oldest change first. GET /v2/refunds */
  refunds(filter: UpdatedFilter): Promise<Page>;
  /** Only profiles with a name, company, e-mail or phone; in no useful order. POST /v2/customers/search */
  customersUpdated(filter: UpdatedFilter): Promise<Page>;
  /** Every live profile. GET /v2/customers */
  customers(page: { readonly cursor?: string | undefined }): Promise<Page>;
  /** By id, at most `MAX_IDS`. The id of a merged profile answers its survivor, whose own id differs. POST /v2/customers/bulk-retrieve */
  customersById(ids: readonly string[]): Promise<Retrieved>;
  /** Active and inactive ones. POST /v2/team-members/search */
  teamMembers(page: { readonly cursor?: string | undefined }): Promise<Page>;
  /** Items with their variations, and variations, deleted ones too, changed after an instant. POST /v2/catalog/search */
  catalog(filter: {
    readonly changedAfter?: Date | undefined;
    readonly cursor?: string | undefined;
  }): Promise<Page>;
  /** Orders by id, at most `MAX_IDS`; unknown ones are left out. POST /v2/orders/batch-retrieve */
  ordersById(ids: readonly string[]): Promise<readonly JsonObject[]>;
  /** Events of the last 28 days by their own `created_at`, oldest first, where the seller's application has them enabled. POST /v2/events */
  events(filter: {
    readonly createdFrom: Date;
    readonly createdTo: Date;
    readonly cursor?: string | undefined;
  }): Promise<Page>;
  /** The application's, disabled ones too; for a personal token only. GET /v2/webhooks/subscriptions */
  webhookSubscriptions(page: { readonly cursor?: string }): Promise<Page>;
}

/** The most ids of one request by id. */
export const MAX_IDS = 100;

export interface UpdatedFilter {
  readonly updatedFrom: Date;
  readonly updatedTo: Date;
  readonly cursor?: string | undefined;
}

export interface Page {
  readonly objects: readonly JsonObject[];
  /** Where the next page begins; NULL at the end. Square forgets cursors after some minutes. */
  readonly cursor: string | null;
}

/** Objects by the id that was asked for; NULL where Square said NOT_FOUND for that id. An id Square said nothing about is absent. */
export type Retrieved = ReadonlyMap<string, JsonObject | null>;

/** What opens an API; `openSquareApi` (src/square/api/client.ts) is the real one. */
export type OpenSquareApi = (access: {
  readonly merchantId: string;
  readonly accessToken: string;
  /** Aborted when nobody waits for the answers any more: every call then fails with `square_interrupted`, at once. */
  readonly signal?: AbortSignal | undefined;
}) => SquareApi;
