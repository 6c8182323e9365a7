import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { isStoredEvent } from "../inbox/stored-events.js";
import type {
  SubscriptionFields,
  SubscriptionsApi,
  WebhookSubscription,
} from "../square/api/subscriptions.js";
import { findSubscriptions, wantedFields } from "./subscription.js";

/** The name of a subscription that is made without one. */
const DEFAULT_NAME = "Regulars";

export interface Subscribed {
  /** As it is now, with its signature key. */
  readonly subscription: WebhookSubscription;
  readonly created: boolean;
  /** The fields that were changed. */
  readonly repaired: readonly (keyof SubscriptionFields)[];
}

/**
 * Makes the subscription as this server needs it: finds it by its address, makes it when it is missing, and corrects
 * what differs. A subscription whose address differs in scheme, case or slashes alone gets the right address.
 *
 * @param name by default a new subscription is called Regulars, and an existing one keeps its name
 * @throws SquareApiError; RegularsError `subscription_unclear`
 */
export async function subscribe(
  api: SubscriptionsApi,
  notificationUrl: string,
  name?: string,
): Promise<Subscribed> {
  const { exact, similar } = await findSubscriptions(api, notificationUrl);
  const [found, ...others] = exact.length > 0 ? exact : similar;
  if (others.length > 0) {
    const ids = [found, ...others].map((one) => one?.id).join(", ");
    throw new RegularsError(
      "subscription_unclear",
      `Square has several subscriptions of this address: ${ids}. Delete all but one in Square's console, then run this again.`,
    );
  }
  const wanted = wantedFields(notificationUrl);
  if (!found) {
    const subscription = await api.create({ name: name ?? DEFAULT_NAME, ...wanted });
    return { subscription, created: true, repaired: [] };
  }
  const fields = { ...wanted, name: name ?? found.name };
  const repaired = (Object.keys(fields) as (keyof SubscriptionFields)[]).filter(
    (field) => comparable(found[field]) !== comparable(fields[field]),
  );
  if (repaired.length > 0) {
    await api.update(found.id, Object.fromEntries(repaired.map((field) => [field, fields[field]])));
  }
  return { subscription: await api.get(found.id), created: false, repaired };
}

/** Event types have no order. */
function comparable(value: SubscriptionFields[keyof SubscriptionFields] | null): string {
  return JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
}

/** How long after Square's answer a test event may come. Square answers after it has delivered the event. */
const ARRIVES_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 250;

/** Any type that is subscribed will do: the event's merchant does not exist, so it is stored without effect. */
const TEST_EVENT_TYPE = "payment.created";

export interface TestResult {
  readonly arrived: boolean;
  readonly eventId: string | null;
  /** What the address answered to Square. */
  readonly statusCode: number | null;
  /** What is wrong, and what to do. Null when the event arrived. */
  readonly problem: string | null;
}

/**
 * Lets Square send a test event, and waits until the server has stored it in this database.
 *
 * @throws SquareApiError
 */
export async function testSubscription(
  { pool }: Pick<Database, "pool">,
  api: Pick<SubscriptionsApi, "sendTest">,
  { id, eventTypes }: WebhookSubscription,
  { clock, signal, withinMs = ARRIVES_WITHIN_MS }: { clock: Clock; signal: AbortSignal; withinMs?: number },
): Promise<TestResult> {
  const type = eventTypes.includes(TEST_EVENT_TYPE) ? TEST_EVENT_TYPE : eventTypes[0];
  if (type === undefined) throw new RegularsError("no_event_types", "The subscription has no event types.");
  const { statusCode, event } = await api.sendTest(id, type);
  const told = { eventId: event?.eventId ?? null, statusCode };
  if (statusCode !== null && (statusCode < 200 || statusCode > 299)) {
    return { ...told, arrived: false, problem: refusalOf(statusCode) };
  }
  if (!event) {
    return {
      ...told,
      arrived: false,
      problem: "Square does not say which event it has sent. Look at events list.",
    };
  }
  const until = clock().getTime() + withinMs;
  for (;;) {
    if (await isStoredEvent(pool, event.merchantId, event.eventId))
      return { ...told, arrived: true, problem: null };
    if (clock().getTime() >= until) return { ...told, arrived: false, problem: lostAfter(statusCode) };
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {
      throw new RegularsError("interrupted", "Stopped before the test event came.");
    });
  }
}

function refusalOf(statusCode: number): string {
  const answered = `The address answered ${statusCode} to the test event.`;
  if (statusCode === 401) {
    return (
      `${answered} The server has another signature key: set SQUARE_WEBHOOK_SIGNATURE_KEY to the subscription's key, ` +
      "restart the server, and run this again."
    );
  }
  if (statusCode === 404 || statusCode === 405) {
    return (
      `${answered} Another server answers there, or the proxy changes the path: ` +
      "it must pass the path of SQUARE_WEBHOOK_NOTIFICATION_URL to Regulars unchanged."
    );
  }
  if (statusCode >= 300 && statusCode < 400) {
    return `${answered} Square follows no redirect: subscribe the address that it leads to.`;
  }
  return `${answered} The log of the proxy or of the server says why.`;
}

function lostAfter(statusCode: number | null): string {
  if (statusCode !== null) {
    return (
      `The address answered ${statusCode}, but the event is not in this database. ` +
      "Another server answers there, or this command has another DATABASE_URL or DATA_DIR than the server."
    );
  }
  return (
    "The test event did not come. Is the server running, does the address lead to it from outside, and is its " +
    "certificate valid? The server's log has a line for each delivery that it refused."
  );
}
