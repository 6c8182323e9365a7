import { describe, expect, onTestFinished, test } from "vitest";
import { handledEventTypes } from "../../handlers/registry.js";
import { doctor } from "../../src/operations/doctor.js";
import type { Finding } from "../../src/operations/finding.js";
import { checkSquare } from "../../src/operations/square-checks.js";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { OAUTH_SCOPES } from "../../src/square/api/oauth.js";
import { openForCommands, regulars } from "../support/command-line.js";
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
const subscription = {
  id: "wbhk_1",
  enabled: true,
  event_types: handledEventTypes,
  notification_url: URL,
  signature_key: "the-key",
};
const configured = {
  SQUARE_WEBHOOK_SIGNATURE_KEY: "the-key",
  SQUARE_WEBHOOK_NOTIFICATION_URL: URL,
  TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64"),
};

async function squareWith(merchant: Partial<FaultyMerchant>): Promise<string> {
  const square = await startFakeSquare({
    merchants: [{ salon, accessToken: ACCESS_TOKEN, subscriptions: [subscription], ...merchant }],
  });
  onTestFinished(() => square.close());
  return square.url;
}

test("a healthy installation passes every check, as JSON, and exits 0", async () => {
  const { database, env } = await openForCommands();
  const accessTokenCiphertext = encryptAccessToken(TOKEN_KEY, MERCHANT, ACCESS_TOKEN);
  await addOrganization(database, { merchantId: MERCHANT, accessTokenCiphertext }, new Date());
  const SQUARE_BASE_URL = await squareWith({});
  const { code, stdout, stderr } = await regulars(
    { ...env, ...configured, SQUARE_BASE_URL },
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
}, 90_000);

test("with a database that does not answer it says so, asks Square all the same, and exits 1", async () => {
  const SQUARE_BASE_URL = await squareWith({ subscriptions: [] });
  const square = { SQUARE_BASE_URL, SQUARE_MERCHANT_ID: MERCHANT, SQUARE_ACCESS_TOKEN: ACCESS_TOKEN };
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
}, 90_000);

test("a DATABASE_URL that cannot be read is not taken for the embedded database", async () => {
  const findings: Finding[] = [];
  const openApi = () => openApiAt("http://127.0.0.1:1");
  const env = { ...configured, DATABASE_URL: "postgresql://db" };
  for await (const finding of doctor({ env, clock: () => new Date(), openApi })) findings.push(finding);
  expect(findings).toContainEqual(expect.objectContaining({ check: "configuration", status: "fail" }));
  expect(findings).toContainEqual(expect.objectContaining({ check: "database", status: "skipped" }));
});

describe("what is wrong at Square is found, with what to do", () => {
  test.each<[string, Partial<FaultyMerchant>, Partial<Finding>, RegExp]>([
    [
      "an address with a slash more",
      { subscriptions: [{ ...subscription, notification_url: `${URL}/` }] },
      { check: "subscription", status: "fail" },
      /differs from the subscribed address https:\/\/salon\.example\/webhooks\/square\//,
    ],
    [
      "another address",
      { subscriptions: [{ ...subscription, notification_url: "https://other.example" }] },
      { check: "subscription", status: "fail" },
      /None of Square's 1 subscriptions/,
    ],
    [
      "a disabled subscription",
      { subscriptions: [{ ...subscription, enabled: false }] },
      { check: "subscription", status: "fail" },
      /disabled/,
    ],
    [
      "another signature key",
      { subscriptions: [{ ...subscription, signature_key: "newer" }] },
      { check: "subscription", status: "fail" },
      /SIGNATURE_KEY is not the subscription's key/,
    ],
    [
      "events that are not subscribed",
      {
        subscriptions: [
          { ...subscription, event_types: handledEventTypes.filter((type) => !type.startsWith("refund")) },
        ],
      },
      { check: "subscription", status: "fail" },
      /lacks refund\.created, refund\.updated$/,
    ],
    [
      "a token that may not list subscriptions",
      { oauth: true },
      { check: "subscription", status: "skipped" },
      /may not list/,
    ],
    [
      "scopes that are missing",
      { scopes: OAUTH_SCOPES.filter((scope) => !scope.startsWith("APPOINTMENTS")) },
      { check: "token", status: "fail" },
      /lacks APPOINTMENTS_READ, APPOINTMENTS_ALL_READ,/,
    ],
    [
      "a token that Square refuses",
      { accessToken: "another" },
      { check: "token", status: "fail" },
      /token of MLDOCTOR cannot be checked/,
    ],
  ])("%s", async (_, merchant, expected, message) => {
    const api = openApiAt(await squareWith(merchant))({ merchantId: MERCHANT, accessToken: ACCESS_TOKEN });
    const webhook = { signatureKeys: ["the-key"], notificationUrl: URL };
    const findings: Finding[] = [];
    for await (const finding of checkSquare(api, MERCHANT, webhook, new Date())) findings.push(finding);
    const told = findings.find(({ status }) => status === expected.status);
    expect(told).toMatchObject({ ...expected, message: expect.stringMatching(message) });
    if (expected.status === "fail") expect(told?.remedy).toMatch(/\w{4}/);
  });
});
