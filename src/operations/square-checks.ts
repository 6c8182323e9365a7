import { handledEventTypes } from "../../handlers/registry.js";
import type { WebhookConfig } from "../config.js";
import { RegularsError } from "../errors.js";
import { missingScopes } from "../pull/organization-profile.js";
import type { SquareApi } from "../square/api/api.js";
import { SquareApiError } from "../square/api/api-error.js";
import { pages } from "../square/api/pages.js";
import type { JsonObject } from "../square/types.js";
import { type Finding, fail, pass, skipped, warning } from "./finding.js";

const DAY_MS = 86_400_000;

/** A token that ends sooner than this is worth a word, in days. Square's last 30, and are renewed every 8. */
const EXPIRES_SOON_DAYS = 7;

/** Event types that say little: that a location's or the catalog's copy is old. */
const OPTIONAL_TYPES = /^(order|location|catalog)\./;

/** What a merchant's access token is worth, and whether Square sends its events to this address. */
export async function* checkSquare(
  api: SquareApi,
  merchantId: string,
  webhook: WebhookConfig | undefined,
  now: Date,
): AsyncGenerator<Finding> {
  try {
    const merchant = await api.merchant();
    if (merchant.id !== merchantId) {
      yield fail("token", `The access token of ${merchantId} is another merchant's`, NEW_TOKEN);
      return;
    }
    yield* checkToken(await api.tokenStatus(), merchantId, now);
  } catch (error) {
    if (!(error instanceof RegularsError)) throw error;
    const isRefused = error.code === "square_unauthorized";
    const remedy = isRefused ? NEW_TOKEN : "look at the network, SQUARE_ENVIRONMENT and SQUARE_BASE_URL";
    yield fail("token", `Square cannot be asked about ${merchantId}: ${error.message}`, remedy);
    return;
  }
  if (webhook) yield await checkSubscription(api, webhook);
}

const NEW_TOKEN = "store another with org add --access-token-stdin";

function* checkToken(status: JsonObject, merchantId: string, now: Date): Generator<Finding> {
  const lacks = missingScopes(status);
  if (lacks.length === 0) yield pass("token", `The access token of ${merchantId} may read everything`);
  else {
    const message = `The access token of ${merchantId} lacks ${lacks.join(", ")}, so Square leaves out what these show`;
    yield fail("token", message, "have the seller authorize the application again with these");
  }
  if (typeof status.expires_at !== "string") return;
  const days = (Date.parse(status.expires_at) - now.getTime()) / DAY_MS;
  const message = `The access token of ${merchantId} ends at ${status.expires_at}`;
  if (days < EXPIRES_SOON_DAYS) yield warning("token_expiry", message, `renew it, and ${NEW_TOKEN}`);
  else yield pass("token_expiry", message);
}

/** Compares the application's subscription with what is configured. The addresses are signed, so they agree to the letter. */
async function checkSubscription(api: SquareApi, webhook: WebhookConfig): Promise<Finding> {
  const subscriptions: JsonObject[] = [];
  try {
    for await (const { objects } of pages((cursor) => api.webhookSubscriptions(cursor ? { cursor } : {}))) {
      subscriptions.push(...objects);
    }
  } catch (error) {
    if (!(error instanceof SquareApiError)) throw error;
    return skipped(
      "subscription",
      `This token may not list webhook subscriptions (${error.code}): compare the address and the events in Square's console`,
    );
  }
  const { notificationUrl, signatureKeys } = webhook;
  const found = subscriptions.find(({ notification_url }) => notification_url === notificationUrl);
  if (!found) {
    const near = subscriptions.find(
      ({ notification_url }) => bare(notification_url) === bare(notificationUrl),
    );
    return fail(
      "subscription",
      near
        ? `SQUARE_WEBHOOK_NOTIFICATION_URL is not to the letter what is subscribed, ${near.notification_url}`
        : `None of Square's ${subscriptions.length} subscriptions has the address in SQUARE_WEBHOOK_NOTIFICATION_URL`,
      near
        ? "write it as it is subscribed"
        : "subscribe it in Square's console, or write the subscribed address",
    );
  }
  if (found.enabled === false) {
    return fail("subscription", "The webhook subscription is disabled", "enable it in Square's console");
  }
  if (typeof found.signature_key === "string" && !signatureKeys.includes(found.signature_key)) {
    return fail(
      "subscription",
      "SQUARE_WEBHOOK_SIGNATURE_KEY is not the subscription's, so every event is answered 401",
      "copy the subscription's signature key from Square's console",
    );
  }
  const types = Array.isArray(found.event_types) ? found.event_types : [];
  const lacks = handledEventTypes.filter((type) => !types.includes(type));
  const needed = lacks.filter((type) => !OPTIONAL_TYPES.test(type));
  if (lacks.length === 0)
    return pass("subscription", "The webhook subscription sends every event to this address");
  const message = `The webhook subscription lacks ${lacks.join(", ")}`;
  return (needed.length > 0 ? fail : warning)(
    "subscription",
    message,
    "add these events in Square's console",
  );
}

/** An address without what people write differently. */
function bare(url: unknown): string {
  return String(url)
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "");
}
