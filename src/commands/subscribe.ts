import { Command } from "commander";
import { systemClock } from "../clock.js";
import type { Config } from "../config.js";
import { RegularsError } from "../errors.js";
import { type Subscribed, subscribe, type TestResult, testSubscription } from "../operations/subscribe.js";
import type { SubscriptionsApi } from "../square/api/subscriptions.js";
import { commandConfig, note, print, signalOfStop, subscriptionsOf, withDatabase } from "./context.js";
import { jsonOption } from "./options.js";

interface Flags {
  readonly name?: string;
  readonly rotateKey?: true;
  readonly test?: true;
  readonly json?: true;
}

const HELP = `
The command prints the signature key when SQUARE_WEBHOOK_SIGNATURE_KEY lacks it. Whoever has the key can send events.

Examples:
  regulars subscribe
  regulars subscribe --test
  regulars subscribe --rotate-key`;

export function subscribeCommand(): Command {
  return new Command("subscribe")
    .description(
      "Make the application's webhook subscription at Square, or repair it: its address, event types, version, and that it " +
        "is enabled. Needs SQUARE_APPLICATION_ACCESS_TOKEN and SQUARE_WEBHOOK_NOTIFICATION_URL.",
    )
    .option("--name <text>", "the subscription's name at Square (default: Regulars for a new one)")
    .option("--rotate-key", "replace the signature key, and say what to change in which order")
    .option(
      "--test",
      "let Square send a test event, and wait until the server has stored it; exits 1 when it does not come",
    )
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(run);
}

async function run({ name, rotateKey, test, json }: Flags): Promise<void> {
  if (rotateKey && test) {
    throw new RegularsError(
      "options_conflict",
      "--test must follow --rotate-key in a run of its own: the server needs the new key first.",
    );
  }
  const config = commandConfig();
  const { api, notificationUrl } = configured(config);
  const before = await subscribe(api, notificationUrl, name);
  const { id } = before.subscription;
  const subscribed = rotateKey
    ? { ...before, subscription: { ...before.subscription, signatureKey: await api.replaceSignatureKey(id) } }
    : before;
  const keys = keysOf(subscribed, before, config);
  if (!json) print(false, undefined, [...describe(subscribed), ...describeKeys(keys, rotateKey === true)]);
  const tested = test ? await testEvent(api, subscribed, json) : null;
  if (json) print(true, toJson(subscribed, keys, rotateKey === true, tested), []);
  if (tested && !tested.arrived) process.exitCode = 1;
}

function configured({ square, notificationUrl }: Config): { api: SubscriptionsApi; notificationUrl: string } {
  const api = subscriptionsOf(square);
  if (api && notificationUrl !== undefined) return { api, notificationUrl };
  throw new RegularsError(
    "not_configured",
    "Set SQUARE_APPLICATION_ACCESS_TOKEN to the application's personal access token, and " +
      "SQUARE_WEBHOOK_NOTIFICATION_URL to the server's public address of webhooks.",
  );
}

/** The keys that the server needs, the subscription's first. */
interface Keys {
  readonly needed: readonly string[];
  /** Whether the server has the subscription's key already. */
  readonly configured: boolean;
}

function keysOf({ subscription }: Subscribed, before: Subscribed, { webhook }: Config): Keys {
  const known = webhook?.signatureKeys ?? [];
  const current = subscription.signatureKey ?? undefined;
  // After a rotation, deliveries under way carry the key before it.
  const keys = [current, before.created ? undefined : before.subscription.signatureKey, ...known];
  const needed = [...new Set(keys.filter((key) => key !== undefined && key !== null))];
  return { needed, configured: current === undefined || known.includes(current) };
}

function describe({ subscription, created, repaired }: Subscribed): string[] {
  const { id, name, notificationUrl, eventTypes, apiVersion } = subscription;
  const what = created
    ? "made"
    : repaired.length > 0
      ? `repaired: ${repaired.map((field) => WORDS[field]).join(", ")}`
      : "as it should be";
  return [
    `Subscription ${id} (${name}) is ${what}.`,
    `It sends ${eventTypes.length} types of events, in version ${apiVersion}, to ${notificationUrl}.`,
  ];
}

const WORDS: Readonly<Record<Subscribed["repaired"][number], string>> = {
  name: "name",
  enabled: "enabled again",
  eventTypes: "event types",
  notificationUrl: "address",
  apiVersion: "API version",
};

function describeKeys({ needed, configured }: Keys, rotated: boolean): string[] {
  const line = `SQUARE_WEBHOOK_SIGNATURE_KEY=${needed.join(",")}`;
  if (rotated) {
    return [
      "The signature key is replaced. Square signs with the new one from now on.",
      "1. Set both keys now, for every server and command, the new one first:",
      line,
      "2. Restart the servers. Until then they answer 401, and Square sends those events again after a minute, then after",
      "   2, 4, 8 minutes and so on for a day. So none is lost.",
      "3. Run: regulars subscribe --test",
      "4. After a day, take the old key out. Until then Square may send again what it had signed with it.",
    ];
  }
  if (!configured)
    return ["Set its key, start or restart the server, then run: regulars subscribe --test", line];
  if (needed.length === 1) return [];
  return ["SQUARE_WEBHOOK_SIGNATURE_KEY has further keys. A day after a rotation, leave only the new one."];
}

async function testEvent(
  api: SubscriptionsApi,
  { subscription }: Subscribed,
  json?: true,
): Promise<TestResult> {
  const signal = signalOfStop();
  const tested = await withDatabase((database) => {
    note("Square sends a test event ...");
    return testSubscription(database, api, subscription, { clock: systemClock, signal });
  }, "guest");
  if (!json) print(false, undefined, tested.problem ?? `Event ${tested.eventId} came and is stored.`);
  return tested;
}

function toJson(
  { subscription: { id, name, notificationUrl, eventTypes, apiVersion }, created, repaired }: Subscribed,
  { needed, configured }: Keys,
  rotated: boolean,
  tested: TestResult | null,
) {
  return {
    subscription_id: id,
    name,
    notification_url: notificationUrl,
    event_types: eventTypes,
    api_version: apiVersion,
    created,
    repaired,
    rotated,
    key_configured: configured,
    // The key is shown only to whoever must set it.
    environment: configured ? null : { SQUARE_WEBHOOK_SIGNATURE_KEY: needed.join(",") },
    test: tested && {
      arrived: tested.arrived,
      event_id: tested.eventId,
      status_code: tested.statusCode,
      problem: tested.problem,
    },
  };
}
