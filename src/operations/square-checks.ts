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

/**
 * Warns about a token that expires within this many days. Square's tokens last 30 days and should be renewed every 8.
 */
const EXPIRES_SOON_DAYS = 7;

/**
 * Event types whose lack is only a warning. They only say that something must be fetched, and the sweep fetches it
 * too.
 */
const OPTIONAL_TYPES = /^(order|location|catalog)\./;

/** Checks a merchant's access token, and whether Square sends its events to the configured address. */
export async function* checkSquare(
  api: SquareApi,
  merchantId: string,
  webhook: WebhookConfig | undefined,
  now: Date,
): AsyncGenerator<Finding> {
  try {
    const merchant = await api.merchant();
    if (merchant.id !== merchantId) {
      yield fail("token", `The access token of ${merchantId} belongs to another merchant`, NEW_TOKEN);
      return;
    }
    yield* checkToken(await api.tokenStatus(), merchantId, now);
  } catch (error) {
    if (!(error instanceof RegularsError)) throw error;
    const isRefused = error.code === "square_unauthorized";
    const remedy = isRefused ? NEW_TOKEN : "check the network, SQUARE_ENVIRONMENT and SQUARE_BASE_URL";
    yield fail("token", `The access token of ${merchantId} cannot be checked: ${error.message}`, remedy);
    return;
  }
  if (webhook) yield await checkSubscription(api, webhook);
}

const NEW_TOKEN = "store another token with org add --access-token-stdin";

function* checkToken(status: JsonObject, merchantId: string, now: Date): Generator<Finding> {
  const lacks = missingScopes(status);
  if (lacks.length === 0) yield pass("token", `The access token of ${merchantId} may read everything`);
  else {
    const message = `The access token of ${merchantId} lacks ${lacks.join(", ")}, so Square leaves out the data behind them`;
    yield fail("token", message, "ask the seller to authorize the application again with these permissions");
  }
  if (typeof status.expires_at !== "string") return;
  const days = (Date.parse(status.expires_at) - now.getTime()) / DAY_MS;
  const message = `The access token of ${merchantId} expires at ${status.expires_at}`;
  if (days < EXPIRES_SOON_DAYS)
    yield warning(
      "token_expiry",
      message,
      `run reconcile, which renews tokens from connect, or ${NEW_TOKEN}`,
    );
  else yield pass("token_expiry", message);
}

/**
 * Compares the application's subscription with the configuration. Square signs the address, so it must match exactly.
 */
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
      `This token may not list webhook subscriptions (${error.code}). Compare address and events in Square's console`,
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
        ? `SQUARE_WEBHOOK_NOTIFICATION_URL differs from the subscribed address ${near.notification_url}`
        : `None of Square's ${subscriptions.length} subscriptions has the address in SQUARE_WEBHOOK_NOTIFICATION_URL`,
      near
        ? "write it exactly as subscribed"
        : "subscribe the address in Square's console, or configure the subscribed address",
    );
  }
  if (found.enabled === false) {
    return fail("subscription", "The webhook subscription is disabled", "enable it in Square's console");
  }
  if (typeof found.signature_key === "string" && !signatureKeys.includes(found.signature_key)) {
    return fail(
      "subscription",
      "SQUARE_WEBHOOK_SIGNATURE_KEY is not the subscription's key, so every event is answered 401",
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

/** An address without scheme, capital letters and trailing slashes. */
function bare(url: unknown): string {
  return String(url)
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "");
}
