import { handledEventTypes } from "../../handlers/registry.js";
import type { WebhookConfig } from "../config.js";
import { SQUARE_VERSION } from "../square/api/sdk.js";
import type {
  SubscriptionFields,
  SubscriptionsApi,
  WebhookSubscription,
} from "../square/api/subscriptions.js";
import type { SubscriptionPoint } from "./subscription-status.js";

/** One thing about the subscription that is not as it should be. */
export interface SubscriptionProblem {
  readonly point: SubscriptionPoint;
  /** Error: events are lost. Warning: the sweep brings what is missing, or more comes than is needed. */
  readonly level: "warning" | "error";
  readonly problem: string;
  /** What to do. */
  readonly remedy: string;
}

/**
 * Event types whose lack is only a warning. They only say that something must be fetched, and the sweep fetches it
 * too.
 */
const OPTIONAL_TYPES = /^(order|location|catalog)\./;

const REPAIR = 'run "regulars subscribe"';

/** What Square must send for this server: every event type that has a handler, in the version that the code reads. */
export function wantedFields(notificationUrl: string): Omit<SubscriptionFields, "name"> {
  return { notificationUrl, enabled: true, eventTypes: handledEventTypes, apiVersion: SQUARE_VERSION };
}

/**
 * Compares the application's subscriptions with the configuration. Square signs the address, so it must match
 * exactly.
 *
 * @returns the subscription of the configured address, if there is one, and what is wrong; the worst first
 * @throws SquareApiError
 */
export async function checkSubscription(
  api: Pick<SubscriptionsApi, "list" | "get">,
  { notificationUrl, signatureKeys }: WebhookConfig,
): Promise<{ readonly id: string | null; readonly problems: readonly SubscriptionProblem[] }> {
  const { exact, similar, all } = await findSubscriptions(api, notificationUrl);
  const [listed, ...others] = exact;
  if (!listed) return { id: null, problems: [addressProblem(all.length, similar)] };
  // A list may leave the key out.
  const found = listed.signatureKey === null ? await api.get(listed.id) : listed;
  const problems = [
    ...(others.length > 0 ? [duplicateProblem(exact)] : []),
    ...problemsOf(found, { notificationUrl, signatureKeys }),
  ];
  return { id: found.id, problems: problems.sort((a, b) => rank(a) - rank(b)) };
}

function rank({ level }: SubscriptionProblem): number {
  return level === "error" ? 0 : 1;
}

/** The subscriptions of exactly this address, and those whose address differs in scheme, case or slashes alone. */
export async function findSubscriptions(api: Pick<SubscriptionsApi, "list">, notificationUrl: string) {
  const all = await api.list();
  const exact = all.filter((one) => one.notificationUrl === notificationUrl);
  const similar = all.filter(
    (one) => !exact.includes(one) && bare(one.notificationUrl) === bare(notificationUrl),
  );
  return { all, exact, similar };
}

/** What is wrong with the subscription of the right address. */
function* problemsOf(
  { enabled, signatureKey, eventTypes, apiVersion }: WebhookSubscription,
  { signatureKeys }: WebhookConfig,
): Generator<SubscriptionProblem> {
  if (!enabled) {
    const problem = "The webhook subscription is disabled, so Square sends nothing";
    yield { point: "enabled", level: "error", problem, remedy: REPAIR };
  }
  if (signatureKey !== null && !signatureKeys.includes(signatureKey)) {
    const problem =
      "SQUARE_WEBHOOK_SIGNATURE_KEY is not the subscription's key, so every event is answered 401";
    const remedy = `${REPAIR}, which prints the key; set the variable and restart the server`;
    yield { point: "signature_key", level: "error", problem, remedy };
  }
  const lacks = handledEventTypes.filter((type) => !eventTypes.includes(type));
  if (lacks.length > 0) {
    const level = lacks.every((type) => OPTIONAL_TYPES.test(type)) ? "warning" : "error";
    const problem = `The webhook subscription lacks ${lacks.join(", ")}`;
    yield { point: "event_types", level, problem, remedy: REPAIR };
  }
  const unneeded = eventTypes.filter((type) => !handledEventTypes.includes(type));
  if (unneeded.length > 0) {
    const problem = `The webhook subscription sends ${unneeded.join(", ")}, which Regulars stores and ignores`;
    yield { point: "event_types", level: "warning", problem, remedy: REPAIR };
  }
  if (apiVersion !== SQUARE_VERSION) {
    const problem = `The webhook subscription has version ${apiVersion ?? "of the application"} and not ${SQUARE_VERSION}`;
    yield { point: "api_version", level: "warning", problem, remedy: REPAIR };
  }
}

function addressProblem(count: number, [similar]: readonly WebhookSubscription[]): SubscriptionProblem {
  const [problem, remedy] = similar
    ? [
        `SQUARE_WEBHOOK_NOTIFICATION_URL differs from the subscribed address ${similar.notificationUrl}`,
        `write it exactly as subscribed, or ${REPAIR}, which changes the subscription`,
      ]
    : [
        `None of Square's ${count} subscriptions has the address in SQUARE_WEBHOOK_NOTIFICATION_URL`,
        `${REPAIR}, which makes one, or configure the subscribed address`,
      ];
  return { point: "address", level: "error", problem, remedy };
}

function duplicateProblem(exact: readonly WebhookSubscription[]): SubscriptionProblem {
  const ids = exact.map(({ id }) => id).join(", ");
  const problem = `Square has ${exact.length} subscriptions of this address (${ids}), each with a key of its own`;
  const remedy = "delete all but one in Square's console";
  return { point: "address", level: "error", problem, remedy };
}

/** An address without scheme, capital letters and trailing slashes. */
function bare(url: string): string {
  return url
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "");
}
