import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { postEvent } from "../post-event.js";
import type { Json } from "./endpoint.js";
import type { FakeApplication } from "./oauth.js";
import type { Paging } from "./paging.js";
import { objectAt, strictLimit } from "./parameters.js";
import { badRequest, notFound, Refusal, unauthorized } from "./refusal.js";

export const SUBSCRIPTIONS = "/v2/webhooks/subscriptions";

/** The version of an application that names none. */
const APPLICATION_VERSION = "2026-09-16";

/** The merchant of Square's test events. It does not exist. */
const TEST_MERCHANT = "1ZYMKZY1YFGBW";

/** A subscription in Square's wire shape. */
export interface SubscriptionJson {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly event_types: readonly string[];
  readonly notification_url: string;
  readonly api_version: string;
  readonly signature_key: string;
  readonly created_at: string;
  readonly updated_at: string;
}

interface SubscriptionRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly given: Json;
}

/** What may be written. */
const FIELDS = ["name", "enabled", "event_types", "notification_url", "api_version"];

/**
 * The webhook subscriptions of Square's applications. Only an application's personal access token opens them. A list
 * leaves the signature keys out.
 */
export class FakeSubscriptions {
  readonly #applications: readonly FakeApplication[];
  readonly #paging: Paging;
  readonly #stored = new Map<string, { readonly application: FakeApplication; json: SubscriptionJson }>();
  /** Answers by idempotency key. */
  readonly #answered = new Map<string, object>();

  constructor(applications: readonly FakeApplication[], paging: Paging) {
    this.#applications = applications;
    this.#paging = paging;
  }

  /** @param isSeller whether the token is a seller's. Square refuses it here. */
  answer(request: SubscriptionRequest, isSeller: boolean, now: number): object | Promise<object> {
    const { method, path, authorization, given } = request;
    const application = this.#applications.find(
      ({ accessToken }) => accessToken !== undefined && authorization === `Bearer ${accessToken}`,
    );
    if (!application) throw isSeller ? forbidden() : unauthorized();
    const [, id = "", action = ""] = path.slice(SUBSCRIPTIONS.length).split("/").map(decodeURIComponent);
    switch (`${method} ${id && "{id}"}${action && `/${action}`}`) {
      case "GET ":
        return this.#list(application, authorization, given);
      case "POST ":
        return this.#once(given, () => this.#create(application, given, now));
      case "GET {id}":
        return { subscription: this.#find(application, id).json };
      case "PUT {id}":
        return this.#update(application, id, given, now);
      case "DELETE {id}":
        this.#find(application, id);
        this.#stored.delete(id);
        return {};
      case "POST {id}/signature-key":
        return this.#once(given, () => this.#replaceKey(application, id, now));
      case "POST {id}/test":
        return this.#test(this.#find(application, id).json, given, now);
      default:
        throw notFound(`API endpoint for ${method} ${path} is not found.`);
    }
  }

  /** The enabled subscriptions to a type of event. */
  *to(eventType: string): Generator<{ application: FakeApplication; json: SubscriptionJson }> {
    for (const stored of this.#stored.values())
      if (stored.json.enabled && stored.json.event_types.includes(eventType)) yield stored;
  }

  /** Changes a subscription from outside, as its owner does in Square's console. */
  change(id: string, fields: Partial<SubscriptionJson>): void {
    const stored = this.#stored.get(id);
    if (stored) stored.json = { ...stored.json, ...fields };
  }

  #list(application: FakeApplication, authorization: string, given: Json): object {
    const { cursor, ...asked } = given;
    const own = [...this.#stored.values()].filter((stored) => stored.application === application);
    const rows = () =>
      own
        .map(({ json: { signature_key: _key, ...shown } }) => shown)
        .filter(({ enabled }) => enabled || asked.include_disabled === "true");
    const listing = { key: "subscriptions", limit: strictLimit(asked.limit, 100), rows };
    return this.#paging.page(listing, JSON.stringify([authorization, SUBSCRIPTIONS]), cursor);
  }

  #create(application: FakeApplication, given: Json, now: number): object {
    const fields = readFields(objectAt(given, "subscription"));
    for (const required of ["name", "event_types", "notification_url"])
      if (fields[required] === undefined)
        throw badRequest("MISSING_REQUIRED_PARAMETER", "Missing.", required);
    const at = new Date(now).toISOString();
    const id = `wbhk_${randomBytes(16).toString("hex")}`;
    const made = { id, enabled: true, api_version: APPLICATION_VERSION, ...fields, signature_key: newKey() };
    const json = { ...made, created_at: at, updated_at: at } as unknown as SubscriptionJson;
    this.#stored.set(id, { application, json });
    return { subscription: json };
  }

  #update(application: FakeApplication, id: string, given: Json, now: number): object {
    const stored = this.#find(application, id);
    const fields = readFields(objectAt(given, "subscription"));
    stored.json = { ...stored.json, ...fields, updated_at: new Date(now).toISOString() };
    const { signature_key: _key, ...shown } = stored.json;
    return { subscription: shown };
  }

  #replaceKey(application: FakeApplication, id: string, now: number): object {
    const stored = this.#find(application, id);
    const signature_key = newKey();
    stored.json = { ...stored.json, signature_key, updated_at: new Date(now).toISOString() };
    return { signature_key };
  }

  async #test({ event_types, ...subscription }: SubscriptionJson, given: Json, now: number): Promise<object> {
    const event_type = given.event_type ?? event_types[0];
    if (typeof event_type !== "string" || !isEventType(event_type))
      throw badRequest("INVALID_VALUE", "Unknown event type.", "event_type");
    const created_at = new Date(now).toISOString();
    const id = randomUUID();
    const payload = {
      merchant_id: TEST_MERCHANT,
      type: event_type,
      event_id: randomUUID(),
      created_at,
      data: { type: event_type.split(".")[0], id, object: {} },
    };
    const status_code = await post(subscription, JSON.stringify(payload)).catch(() => undefined);
    return {
      notification_url: subscription.notification_url,
      ...(status_code !== undefined && { status_code }),
      passes_filter: event_types.includes(event_type),
      payload,
    };
  }

  #find(application: FakeApplication, id: string) {
    const stored = this.#stored.get(id);
    if (stored?.application !== application) throw notFound(`Subscription ${id} is not found.`);
    return stored;
  }

  /** A request that comes again changes nothing more. */
  #once({ idempotency_key: key }: Json, change: () => object): object {
    if (key !== undefined && (typeof key !== "string" || key.length > 45))
      throw badRequest("VALUE_TOO_LONG", "At most 45 characters.", "idempotency_key");
    const answer = (key && this.#answered.get(key)) || change();
    if (key) this.#answered.set(key, answer);
    return answer;
  }
}

/**
 * Sends one body to a subscription, signed with its key.
 *
 * @param signature of an earlier attempt
 * @returns the status
 * @throws {Error} no answer
 */
export async function post(
  subscription: Pick<SubscriptionJson, "notification_url" | "signature_key">,
  body: string,
  signature = sign(subscription, body),
): Promise<number> {
  return (await postEvent(subscription.notification_url, body, signature)).status;
}

/** Square's signature. It is written anew here, so that an error in the server's own is found. */
export function sign(
  { notification_url, signature_key }: Pick<SubscriptionJson, "notification_url" | "signature_key">,
  body: string,
): string {
  return createHmac("sha256", signature_key).update(`${notification_url}${body}`).digest("base64");
}

function newKey(): string {
  return randomBytes(16).toString("base64url");
}

function isEventType(type: unknown): boolean {
  return typeof type === "string" && /^[a-z_]+(\.[a-z_]+)+$/.test(type);
}

function readFields(given: Json): Json {
  const unknown = Object.keys(given).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw badRequest("UNKNOWN_BODY_PARAMETER", "Unknown parameter.", unknown);
  const { event_types, notification_url, api_version } = given;
  if (event_types !== undefined && !(Array.isArray(event_types) && event_types.every(isEventType)))
    throw badRequest("INVALID_VALUE", "Unknown event type.", "event_types");
  if (notification_url !== undefined && !isAddress(notification_url))
    throw badRequest("INVALID_VALUE", "The address must be https.", "notification_url");
  if (api_version !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(String(api_version)))
    throw badRequest("INVALID_VALUE", "Unknown version.", "api_version");
  return given;
}

/** Square takes https alone. Here the server to try stands on the same machine. */
function isAddress(url: unknown): boolean {
  return typeof url === "string" && /^(https:|http:\/\/(127\.0\.0\.1|localhost)[:/])/.test(url);
}

function forbidden(): Refusal {
  const detail = "This token may not use webhook subscriptions.";
  return new Refusal(403, { category: "AUTHENTICATION_ERROR", code: "FORBIDDEN", detail });
}
