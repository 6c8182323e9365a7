import type { WebhookConfig } from "../config.js";
import { RegularsError } from "../errors.js";
import { missingScopes } from "../pull/organization-profile.js";
import type { SquareApi } from "../square/api/api.js";
import { SquareApiError } from "../square/api/api-error.js";
import type { SubscriptionsApi } from "../square/api/subscriptions.js";
import type { JsonObject } from "../square/types.js";
import { type Finding, fail, pass, skipped, warning } from "./finding.js";
import { checkSubscription } from "./subscription.js";

const DAY_MS = 86_400_000;

/**
 * Warns about a token that expires within this many days. Square's tokens last 30 days and should be renewed every 8.
 */
const EXPIRES_SOON_DAYS = 7;

/** Checks a merchant's access token. */
export async function* checkSquare(api: SquareApi, merchantId: string, now: Date): AsyncGenerator<Finding> {
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
  const message = `The access token of ${merchantId} ${days > 0 ? "expires" : "expired"} at ${status.expires_at}`;
  const remedy = `run reconcile, which renews tokens from connect, or ${NEW_TOKEN}`;
  if (days >= EXPIRES_SOON_DAYS) yield pass("token_expiry", message);
  else yield (days > 0 ? warning : fail)("token_expiry", message, remedy);
}

/**
 * Checks whether Square sends this server's events: the subscription's address, key, event types and version, and
 * that it is enabled.
 *
 * @param api undefined without SQUARE_APPLICATION_ACCESS_TOKEN
 */
export async function* checkWebhooks(
  api: SubscriptionsApi | undefined,
  webhook: WebhookConfig,
): AsyncGenerator<Finding> {
  if (!api) {
    yield skipped(
      "subscription",
      "SQUARE_APPLICATION_ACCESS_TOKEN is not set. Compare address and events in Square's console",
    );
    return;
  }
  try {
    const { problems } = await checkSubscription(api, webhook);
    for (const { level, problem, remedy } of problems)
      yield (level === "error" ? fail : warning)("subscription", problem, remedy);
    if (problems.length === 0)
      yield pass("subscription", "The webhook subscription sends every event to this address");
  } catch (error) {
    if (!(error instanceof SquareApiError)) throw error;
    const isRefused = error.code === "square_unauthorized" || error.code === "square_forbidden";
    const remedy = isRefused
      ? APPLICATION_TOKEN
      : "check the network, SQUARE_ENVIRONMENT and SQUARE_BASE_URL";
    yield fail("subscription", `The webhook subscription cannot be checked: ${error.message}`, remedy);
  }
}

const APPLICATION_TOKEN =
  "set SQUARE_APPLICATION_ACCESS_TOKEN to the application's personal access token, from the page of its credentials";
