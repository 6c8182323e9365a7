import { randomUUID } from "node:crypto";
import type { JsonObject } from "../types.js";
import { InvalidAnswer, isObject, readObject, readPage, readWhole } from "./answer.js";
import { baseUrlOf, type SquareApiOptions, transportOf } from "./client.js";
import { pages } from "./pages.js";
import { SQUARE_VERSION } from "./sdk.js";
import { send } from "./transport.js";

/** How an application's webhook subscriptions are reached. */
export interface SubscriptionsOptions
  extends Pick<SquareApiOptions, "environment" | "baseUrl" | "timeoutMs" | "attempts" | "wait" | "signal"> {
  /** The application's personal access token. Square refuses a seller's token here. */
  readonly accessToken: string;
}

export interface WebhookSubscription {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly eventTypes: readonly string[];
  readonly notificationUrl: string;
  /** The version of the payloads. Null when Square names none. */
  readonly apiVersion: string | null;
  /** The key that deliveries are signed with. A list may leave it out. */
  readonly signatureKey: string | null;
}

/** What can be chosen. */
export type SubscriptionFields = Pick<
  WebhookSubscription,
  "name" | "enabled" | "eventTypes" | "notificationUrl"
> & { readonly apiVersion: string };

/** What Square says of a test event that it sent. Every field may be missing. */
export interface TestDelivery {
  /** The status that the address answered. */
  readonly statusCode: number | null;
  readonly event: { readonly merchantId: string; readonly eventId: string } | null;
}

/**
 * The webhook subscriptions of an application. They belong to the application and not to a seller. Every method
 * throws SquareApiError. No error shows the token or a signature key.
 *
 * @see https://developer.squareup.com/docs/webhooks/webhook-subscriptions-api
 */
export interface SubscriptionsApi {
  /** All of them, including disabled ones. GET /v2/webhooks/subscriptions */
  list(): Promise<readonly WebhookSubscription[]>;
  /** With its signature key. GET /v2/webhooks/subscriptions/{id} */
  get(id: string): Promise<WebhookSubscription>;
  /** POST /v2/webhooks/subscriptions */
  create(fields: SubscriptionFields): Promise<WebhookSubscription>;
  /** Changes the given fields. PUT /v2/webhooks/subscriptions/{id} */
  update(id: string, fields: Partial<SubscriptionFields>): Promise<WebhookSubscription>;
  /**
   * Replaces the signature key. Square signs with the new one at once. POST
   * /v2/webhooks/subscriptions/{id}/signature-key
   *
   * @returns the new key
   */
  replaceSignatureKey(id: string): Promise<string>;
  /**
   * Lets Square send a signed event of a merchant that does not exist. POST /v2/webhooks/subscriptions/{id}/test
   */
  sendTest(id: string, eventType: string): Promise<TestDelivery>;
}

const PATH = "/v2/webhooks/subscriptions";
const PAGE = 100;

/** Opens the subscriptions. Nothing is sent before the first call. */
export function openSubscriptions({ accessToken, ...options }: SubscriptionsOptions): SubscriptionsApi {
  const transport = transportOf({ ...options, merchantId: "application" });
  const ask = <T>(method: string, path: string, read: (body: JsonObject) => T, body?: JsonObject) => {
    const headers = new Headers({
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
      "square-version": SQUARE_VERSION,
    });
    const url = `${baseUrlOf(options)}${path}`;
    return send(
      { method, url, headers, body: body === undefined ? undefined : JSON.stringify(body) },
      read,
      transport,
    );
  };
  const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;
  // A repeated request with the same key changes nothing more.
  const idempotent = () => ({ idempotency_key: randomUUID() });
  return {
    async list() {
      const found: WebhookSubscription[] = [];
      const page = (cursor?: string) => {
        const query = new URLSearchParams({ include_disabled: "true", limit: String(PAGE) });
        if (cursor !== undefined) query.set("cursor", cursor);
        return ask("GET", `${PATH}?${query}`, (body) => readPage(body, "subscriptions"));
      };
      for await (const { objects } of pages(page)) found.push(...objects.map(toSubscription));
      return found;
    },
    get: (id) => ask("GET", pathOf(id), readSubscription),
    create: (fields) =>
      ask("POST", PATH, readSubscription, { ...idempotent(), subscription: toWire(fields) }),
    update: (id, fields) => ask("PUT", pathOf(id), readSubscription, { subscription: toWire(fields) }),
    replaceSignatureKey: (id) =>
      ask(
        "POST",
        `${pathOf(id)}/signature-key`,
        (body) => readWhole(body, "signature_key").signature_key as string,
        idempotent(),
      ),
    sendTest: (id, eventType) =>
      ask("POST", `${pathOf(id)}/test`, readTestDelivery, { event_type: eventType }),
  };
}

function toWire(fields: Partial<SubscriptionFields>): JsonObject {
  const { name, enabled, eventTypes, notificationUrl, apiVersion } = fields;
  return {
    ...(name !== undefined && { name }),
    ...(enabled !== undefined && { enabled }),
    ...(eventTypes !== undefined && { event_types: [...eventTypes] }),
    ...(notificationUrl !== undefined && { notification_url: notificationUrl }),
    ...(apiVersion !== undefined && { api_version: apiVersion }),
  };
}

function readSubscription(body: JsonObject): WebhookSubscription {
  return toSubscription(readObject(body, "subscription"));
}

function toSubscription(json: JsonObject): WebhookSubscription {
  const { id, name, enabled, event_types, notification_url, api_version, signature_key } = json;
  if (typeof id !== "string") throw new InvalidAnswer("has a subscription without an id");
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    id,
    name: text(name) ?? "",
    enabled: enabled !== false,
    eventTypes: Array.isArray(event_types) ? event_types.map(String) : [],
    notificationUrl: text(notification_url) ?? "",
    apiVersion: text(api_version),
    signatureKey: text(signature_key),
  };
}

/** Square's description nests the result. Its answers have it at the top. */
function readTestDelivery(body: JsonObject): TestDelivery {
  const { subscription_test_result: nested } = body;
  const { status_code, payload } = isObject(nested) ? nested : body;
  const { merchant_id: merchantId, event_id: eventId } = isObject(payload) ? payload : {};
  return {
    statusCode: typeof status_code === "number" ? status_code : null,
    event: typeof merchantId === "string" && typeof eventId === "string" ? { merchantId, eventId } : null,
  };
}
