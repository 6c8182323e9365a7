import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { handledEventTypes } from "../../handlers/registry.js";
import { testSubscription } from "../../src/operations/subscribe.js";
import { SubscriptionWatch } from "../../src/operations/subscription-watch.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { SQUARE_VERSION } from "../../src/square/api/sdk.js";
import { openSubscriptions } from "../../src/square/api/subscriptions.js";
import { NOW, openTestApp, openTestLog, type TestApp, testConfig } from "../support/app.js";
import { openForCommands, regulars, startRegulars } from "../support/command-line.js";
import { connectSeller } from "../support/connect-seller.js";
import { emptyDatabase } from "../support/database.js";
import { type FaultySquare, startFakeSquare } from "../support/fake-square.js";
import { freePort } from "../support/free-port.js";
import { openApiAt, TOKEN_KEY } from "../support/square-context.js";

const MERCHANT = "MLSUBSCRIBE";
const APPLICATION_TOKEN = "EAAA-token-of-the-application";
const SECRET = "sq0csp-subscribe";
const { database, env } = await openForCommands();
const salon = simulateSalon({
  seed: "subscribe",
  merchantId: MERCHANT,
  customers: 3,
  start: new Date(Date.now() - 20 * 86_400_000),
  end: new Date(Date.now() - 3_600_000),
});

const port = await freePort();
const address = `http://127.0.0.1:${port}`;
const notificationUrl = `${address}/hooks`;
const application = {
  id: "sq0idp-subscribe",
  secret: SECRET,
  redirectUrl: `${address}/connect/square/callback`,
  accessToken: APPLICATION_TOKEN,
};

let square: FaultySquare;
let app: TestApp | undefined;

beforeEach(async () => {
  await emptyDatabase(database);
  square = await startFakeSquare({
    merchants: [{ salon, accessToken: "personal" }],
    applications: [application],
    // A failed delivery is repeated at once and not after a minute.
    retryAfterMs: Array(200).fill(20),
  });
  onTestFinished(() => square.close().catch(() => {}));
});

/** Starts the server with these keys, in place of the one before. */
async function serve(...signatureKeys: string[]): Promise<void> {
  await app?.stop();
  app = await openTestApp(database, {
    config: { ...testConfig, webhook: { signatureKeys, notificationUrl } },
    sweeping: {
      openApi: openApiAt(square.url),
      tokenEncryptionKey: TOKEN_KEY,
      application: { ...application, environment: "sandbox", baseUrl: square.url, wait: async () => {} },
    },
  });
  // Ahead, so that what the server does comes after the start of any command, and within the ten minutes of a link.
  app.clock.now = new Date(Date.now() + 5 * 60_000);
  await app.http.listen({ host: "127.0.0.1", port });
  onTestFinished(() => {
    app = undefined;
  });
}

const configured = (key = "") => ({
  ...env,
  SQUARE_BASE_URL: square.url,
  SQUARE_APPLICATION_ID: application.id,
  SQUARE_APPLICATION_SECRET: SECRET,
  SQUARE_APPLICATION_ACCESS_TOKEN: APPLICATION_TOKEN,
  SQUARE_WEBHOOK_NOTIFICATION_URL: notificationUrl,
  SQUARE_WEBHOOK_SIGNATURE_KEY: key,
  TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64"),
});

/** Runs `regulars subscribe --json`. */
async function subscribe(key: string, ...options: string[]) {
  const ended = await regulars(configured(key), "subscribe", "--json", ...options);
  expect(ended.stderr).not.toContain(APPLICATION_TOKEN);
  return { code: ended.code, ...JSON.parse(ended.stdout) };
}

async function newLink(): Promise<string> {
  const { stdout } = await regulars(configured(), "connect", "--no-wait", "--json");
  return JSON.parse(stdout).url;
}

test("connect prints an address, waits until the seller has allowed access, and says what comes next", async () => {
  await serve("key");
  const waiting = startRegulars(configured(), "connect");
  const link = await waiting.printed(/http:\S+\/connect\/square\?link=\S+(?=\n)/);
  expect(link.startsWith(`${address}/connect/square?link=`)).toBe(true);
  expect(await connectSeller(square.url, link, MERCHANT)).toBe(200);
  const { code, stdout, stderr } = await waiting.ended;
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^Open this address .*\n\S+\n$/),
  });
  const organization = await database.prisma.organization.findFirstOrThrow();
  expect(stdout).toBe(
    `${organization.name} (${MERCHANT}) is connected. The organization's id is ${organization.id}.\n` +
      `Next, read the history: regulars backfill --organization ${organization.id}\n`,
  );
});

test("connect and subscribe without their variables name them", async () => {
  const bare = { ...env, SQUARE_WEBHOOK_NOTIFICATION_URL: notificationUrl };
  const connect = await regulars(bare, "connect");
  expect(connect).toMatchObject({ code: 1, stderr: expect.stringContaining("SQUARE_APPLICATION_SECRET") });
  const { code, stderr } = await regulars(bare, "subscribe");
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining("SQUARE_APPLICATION_ACCESS_TOKEN"),
  });
  const both = await regulars(configured(), "subscribe", "--rotate-key", "--test");
  expect(both).toMatchObject({ code: 1, stderr: expect.stringContaining("a run of its own") });
});

test("connect and subscribe --test say that no server runs, and leave its embedded database to it", async () => {
  const DATA_DIR = await mkdtemp(path.join(tmpdir(), "regulars-no-server-"));
  onTestFinished(() => rm(DATA_DIR, { recursive: true }));
  for (const command of [["connect"], ["subscribe", "--test"]]) {
    const { code, stderr } = await regulars({ ...configured(), DATABASE_URL: "", DATA_DIR }, ...command);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("No server runs on DATA_DIR"),
    });
  }
  expect(await readdir(DATA_DIR)).toEqual([]);
});

test("subscribe makes the subscription and prints its key until it is set; a second run changes nothing", async () => {
  const { code, stdout } = await regulars(configured(), "subscribe", "--name", "Harbor");
  expect(code).toBe(0);
  const [, key = ""] = /^SQUARE_WEBHOOK_SIGNATURE_KEY=(\S+)$/m.exec(stdout) ?? [];
  const [stored] = [...square.subscriptions.to("payment.created")];
  expect(stored?.json).toMatchObject({
    name: "Harbor",
    enabled: true,
    notification_url: notificationUrl,
    event_types: handledEventTypes,
    api_version: SQUARE_VERSION,
    signature_key: key,
  });
  const again = await subscribe(key);
  expect(again).toMatchObject({ created: false, repaired: [], name: "Harbor", key_configured: true });
  expect(JSON.stringify(again)).not.toContain(key);
  expect([...square.subscriptions.to("payment.created")]).toHaveLength(1);
});

test("subscribe repairs address, event types, version and a disabled subscription, and keeps its key and name", async () => {
  const { subscription_id, environment } = await subscribe("", "--name", "Harbor");
  square.subscriptions.change(subscription_id, {
    enabled: false,
    event_types: ["invoice.created"],
    notification_url: `${notificationUrl.replace("http:", "HTTP:")}/`,
    api_version: "2021-01-01",
  });
  const repaired = await subscribe(environment.SQUARE_WEBHOOK_SIGNATURE_KEY);
  expect(repaired).toMatchObject({
    subscription_id,
    name: "Harbor",
    created: false,
    repaired: ["notificationUrl", "enabled", "eventTypes", "apiVersion"],
    key_configured: true,
  });
  expect(await subscribe("")).toMatchObject({ repaired: [], environment });
});

test("of two subscriptions of one address none is touched", async () => {
  await subscribe("");
  const body = JSON.stringify({
    subscription: { name: "Second", event_types: ["payment.created"], notification_url: notificationUrl },
  });
  const headers = { authorization: `Bearer ${APPLICATION_TOKEN}` };
  await fetch(`${square.url}/v2/webhooks/subscriptions`, { method: "POST", headers, body });
  const { code, stderr } = await regulars(configured(), "subscribe");
  expect(code).toBe(1);
  expect(stderr).toMatch(/several subscriptions of this address: wbhk_\w+, wbhk_\w+\. Delete all but one/);
});

test("a test event is sent by Square and seen to arrive; when it does not, the command says why and exits 1", async () => {
  const key = (await subscribe("")).environment.SQUARE_WEBHOOK_SIGNATURE_KEY;
  await serve("another key");
  expect(await subscribe("another key", "--test")).toMatchObject({
    code: 1,
    test: {
      arrived: false,
      status_code: 401,
      problem: expect.stringContaining("SQUARE_WEBHOOK_SIGNATURE_KEY"),
    },
  });
  await serve(key);
  const { test: arrived, code } = await subscribe(key, "--test");
  expect({ code, ...arrived }).toMatchObject({ code: 0, arrived: true, status_code: 200, problem: null });
  const event = await database.prisma.webhookEvent.findFirstOrThrow({ where: { eventId: arrived.event_id } });
  expect(event.status).toBe("ignored");
  await app?.stop();
  const api = subscriptions();
  const [subscription] = await api.list();
  if (!subscription) throw new Error("the subscription is gone");
  const options = { clock: () => new Date(), signal: new AbortController().signal, withinMs: 0 };
  expect(await testSubscription(database, api, subscription, options)).toMatchObject({
    arrived: false,
    statusCode: null,
    problem: expect.stringContaining("Is the server running"),
  });
});

test("a signature key is rotated while events come in, and none is lost", async () => {
  const key = (await subscribe("")).environment.SQUARE_WEBHOOK_SIGNATURE_KEY;
  await serve(key);
  expect(await connectSeller(square.url, await newLink(), MERCHANT)).toBe(200);
  const sent: string[] = [];
  const happen = async () => {
    const events = salon.happening(new Date());
    sent.push(...events.map(({ event }) => event.event_id));
    await square.deliver(events);
  };
  await happen();
  // Signed with the old key, and on its way while the key is rotated.
  await app?.stop();
  await happen();
  const rotated = await subscribe(key, "--rotate-key");
  const keys = rotated.environment.SQUARE_WEBHOOK_SIGNATURE_KEY.split(",");
  expect(keys).toEqual([expect.not.stringContaining(key), key]);
  // The server still has the old key alone: it refuses the new one, and Square sends again.
  await serve(key);
  await happen();
  await serve(...keys);
  await happen();
  expect(await subscribe(keys.join(","), "--test")).toMatchObject({ code: 0, test: { arrived: true } });
  const stored = () => database.prisma.webhookEvent.count({ where: { eventId: { in: sent } } });
  await expect.poll(stored, { timeout: 20_000 }).toBe(sent.length);
  expect(sent.length).toBeGreaterThan(4);
  for (const hidden of [key, ...keys, APPLICATION_TOKEN, SECRET])
    expect(app?.logLines.join("\n")).not.toContain(hidden);
});

test("a server logs what is wrong with the subscription at its start, once, and status shows it until it is repaired", async () => {
  const key = (await subscribe("")).environment.SQUARE_WEBHOOK_SIGNATURE_KEY;
  const [found] = await subscriptions().list();
  square.subscriptions.change(found?.id ?? "", { enabled: false, event_types: ["payment.created"] });
  const { log, logLines } = openTestLog();
  const webhook = { signatureKeys: [key], notificationUrl };
  const watch = new SubscriptionWatch({ api: subscriptions(), webhook, clock: () => NOW, log });
  expect(watch.status).toMatchObject({ checked_at: null, level: "ok", points: { address: null } });
  watch.start();
  await expect.poll(() => watch.status.checked_at).toEqual(NOW);
  onTestFinished(() => watch.stop());
  await watch.check();
  expect(watch.status).toEqual({
    checked_at: NOW,
    id: found?.id,
    points: { address: true, enabled: false, signature_key: true, event_types: false, api_version: true },
    level: "error",
    problem: "The webhook subscription is disabled, so Square sends nothing",
    remedy: 'run "regulars subscribe"',
  });
  expect(logLines).toHaveLength(1);
  expect(JSON.parse(logLines[0] as string)).toMatchObject({
    problem: watch.status.problem,
    to_do: watch.status.remedy,
  });
  await subscribe(key);
  await watch.check();
  expect(watch.status).toMatchObject({
    level: "ok",
    problem: null,
    points: { enabled: true, event_types: true },
  });
  await square.close();
  await watch.check();
  expect(watch.status).toMatchObject({ level: "warning", points: { address: null, enabled: null } });
  expect(watch.status.problem).toMatch(/cannot be checked: GET \/v2\/webhooks\/subscriptions/);
}, 60_000);

const subscriptions = () =>
  openSubscriptions({
    accessToken: APPLICATION_TOKEN,
    environment: "sandbox",
    baseUrl: square.url,
    attempts: 1,
  });
