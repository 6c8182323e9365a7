import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { handledEventTypes } from "../../handlers/registry.js";
import type { Finding } from "../../src/operations/finding.js";
import { checkSquare, checkWebhooks } from "../../src/operations/square-checks.js";
import { wantedFields } from "../../src/operations/subscription.js";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import type { SubscriptionJson } from "../../src/simulator/fake-square/subscriptions.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { OAUTH_SCOPES } from "../../src/square/api/oauth.js";
import { openSubscriptions, type SubscriptionsApi } from "../../src/square/api/subscriptions.js";
import { openForCommands, regulars } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { type FaultyMerchant, startFakeSquare } from "../support/fake-square.js";
import { ACCESS_TOKEN, openApiAt, TOKEN_KEY } from "../support/square-context.js";

const URL = "https://salon.example/webhooks/square";
const MERCHANT = "MLDOCTOR";
const salon = simulateSalon({
  seed: "doctor",
  merchantId: MERCHANT,
  customers: 2,
  start: new Date("2026-02-01T00:00:00Z"),
  end: new Date("2026-02-10T00:00:00Z"),
});
const APPLICATION_TOKEN = "EAAA-token-of-the-application";
const configured = {
  SQUARE_WEBHOOK_SIGNATURE_KEY: "the-key",
  SQUARE_WEBHOOK_NOTIFICATION_URL: URL,
  TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64"),
};

const { database, env: ofDatabase } = await openForCommands();

beforeEach(() => emptyDatabase(database));

async function squareWith(
  merchant: Partial<FaultyMerchant>,
  subscription?: Partial<SubscriptionJson>,
): Promise<string> {
  const application = { id: "sq0idp-doctor", secret: "s", redirectUrl: URL, accessToken: APPLICATION_TOKEN };
  const square = await startFakeSquare({
    merchants: [{ salon, accessToken: ACCESS_TOKEN, ...merchant }],
    applications: [application],
  });
  onTestFinished(() => square.close());
  if (subscription) {
    const { id } = await subscriptionsAt(square.url).create({ ...wantedFields(URL), name: "Salon" });
    square.subscriptions.change(id, { signature_key: "the-key", ...subscription });
  }
  return square.url;
}

const subscriptionsAt = (baseUrl: string, accessToken = APPLICATION_TOKEN) =>
  openSubscriptions({ accessToken, baseUrl, environment: "sandbox", attempts: 1 });

test("a healthy installation passes every check, as JSON, and exits 0", async () => {
  const accessTokenCiphertext = encryptAccessToken(TOKEN_KEY, MERCHANT, ACCESS_TOKEN);
  await addOrganization(database, { merchantId: MERCHANT, accessTokenCiphertext }, new Date());
  const SQUARE_BASE_URL = await squareWith({}, {});
  const { code, stdout, stderr } = await regulars(
    { ...ofDatabase, ...configured, SQUARE_BASE_URL, SQUARE_APPLICATION_ACCESS_TOKEN: APPLICATION_TOKEN },
    "doctor",
    "--json",
  );
  const { passed, findings }: { passed: boolean; findings: Finding[] } = JSON.parse(stdout);
  expect(findings.filter(({ status }) => status === "fail" || status === "warning")).toEqual([]);
  expect({ code, passed, stderr }).toEqual({ code: 0, passed: true, stderr: "" });
  const checks = findings.map(({ check }) => check);
  const everywhere = [
    "configuration",
    "database",
    "clock",
    "version",
    "encoding",
    "schema",
    "writes",
    "migrations",
  ];
  const onPostgres = ["encryption", "session", "pooler", "rights"];
  const here = database.kind === "postgres" ? onPostgres : ["disk"];
  expect(checks).toEqual(expect.arrayContaining([...everywhere, ...here, "token", "subscription"]));
});

test("with a database that does not answer it says so, asks Square all the same, and exits 1", async () => {
  const SQUARE_BASE_URL = await squareWith({});
  const square = {
    SQUARE_APPLICATION_ACCESS_TOKEN: APPLICATION_TOKEN,
    ...{ SQUARE_BASE_URL, SQUARE_MERCHANT_ID: MERCHANT, SQUARE_ACCESS_TOKEN: ACCESS_TOKEN },
  };
  const DATABASE_URL = "postgresql://user:sesame@127.0.0.1:1/none";
  const env = { ...configured, ...square, DATABASE_URL, PORT: "http" };
  const { code, stdout, stderr } = await regulars(env, "doctor");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(stdout).toMatch(/^FAIL {2}configuration: PORT must be a whole number.*\n {6}To do: /m);
  expect(stdout).toMatch(
    /^FAIL {2}database: The database cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:1/m,
  );
  expect(stdout).toMatch(/^pass {2}token: The access token of MLDOCTOR may read everything$/m);
  expect(stdout).toMatch(/^FAIL {2}subscription: None of Square's 0 subscriptions has the address/m);
  expect(stdout).not.toMatch(/sesame|EAAA/);
});

async function all(findings: AsyncIterable<Finding>): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const finding of findings) found.push(finding);
  return found;
}

describe("what is wrong with a token is found, with what to do", () => {
  test.each<[string, Partial<FaultyMerchant>, RegExp]>([
    [
      "scopes that are missing",
      { scopes: OAUTH_SCOPES.filter((scope) => !scope.startsWith("APPOINTMENTS")) },
      /lacks APPOINTMENTS_READ, APPOINTMENTS_ALL_READ,/,
    ],
    ["a token that Square refuses", { accessToken: "another" }, /token of MLDOCTOR cannot be checked/],
  ])("%s", async (_, merchant, message) => {
    const api = openApiAt(await squareWith(merchant))({ merchantId: MERCHANT, accessToken: ACCESS_TOKEN });
    const findings = await all(checkSquare(api, MERCHANT, new Date()));
    const told = findings.find(({ status }) => status === "fail");
    expect(told).toMatchObject({ check: "token", message: expect.stringMatching(message) });
    expect(told?.remedy).toMatch(/\w{4}/);
  });
});

describe("what is wrong with the webhook subscription is found, with what to do", () => {
  const without = (family: string) => handledEventTypes.filter((type) => !type.startsWith(family));
  test.each<[string, Partial<SubscriptionJson>, Finding["status"], RegExp]>([
    [
      "an address with a slash more",
      { notification_url: `${URL}/` },
      "fail",
      /differs from the subscribed address https:\/\/salon\.example\/webhooks\/square\//,
    ],
    ["another address", { notification_url: "https://other.example" }, "fail", /None of Square's 1 subsc/],
    ["a disabled subscription", { enabled: false }, "fail", /disabled/],
    [
      "another signature key",
      { signature_key: "newer" },
      "fail",
      /SIGNATURE_KEY is not the subscription's key/,
    ],
    [
      "events that are not subscribed",
      { event_types: without("refund") },
      "fail",
      /lacks refund\.created, refund\.updated$/,
    ],
    [
      "events that only the sweep makes up for",
      { event_types: without("location") },
      "warning",
      /lacks location\.created, location\.updated$/,
    ],
    [
      "events that nobody needs",
      { event_types: [...handledEventTypes, "invoice.created"] },
      "warning",
      /sends invoice\.created, which Regulars stores and ignores/,
    ],
    ["another version", { api_version: "2021-01-01" }, "warning", /has version 2021-01-01 and not 20/],
  ])("%s", async (_, subscription, status, message) => {
    const found = await findingsOf(subscriptionsAt(await squareWith({}, subscription)));
    expect(found).toEqual([
      {
        check: "subscription",
        status,
        message: expect.stringMatching(message),
        remedy: expect.stringContaining("regulars subscribe"),
      },
    ]);
  });

  test("a token of a seller may not list subscriptions; without a token the check is left out", async () => {
    const url = await squareWith({}, {});
    const [refused] = await findingsOf(subscriptionsAt(url, ACCESS_TOKEN));
    expect(refused).toMatchObject({ status: "fail", message: expect.stringContaining("403 FORBIDDEN") });
    expect(refused?.remedy).toContain("SQUARE_APPLICATION_ACCESS_TOKEN");
    expect(await findingsOf(undefined)).toMatchObject([{ check: "subscription", status: "skipped" }]);
  });

  function findingsOf(api: SubscriptionsApi | undefined) {
    const webhook = { signatureKeys: ["the-key"], notificationUrl: URL };
    return all(checkWebhooks(api, webhook));
  }
});
