import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { handledEventTypes } from "../../handlers/registry.js";
import { doctor } from "../../src/operations/doctor.js";
import type { Finding } from "../../src/operations/finding.js";
import { checkSquare, checkWebhooks } from "../../src/operations/square-checks.js";
import { wantedFields } from "../../src/operations/subscription.js";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import type { SubscriptionJson } from "../../src/simulator/fake-square/subscriptions.js";
import { type Salon, simulateSalon } from "../../src/simulator/salon.js";
import { OAUTH_SCOPES } from "../../src/square/api/oauth.js";
import { openSubscriptions, type SubscriptionsApi } from "../../src/square/api/subscriptions.js";
import { type Environment, openForCommands, regulars } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { type FaultyMerchant, startFakeSquare } from "../support/fake-square.js";
import { ACCESS_TOKEN, openApiAt, TOKEN_KEY } from "../support/square-context.js";

const URL = "https://salon.example/webhooks/square";
const MERCHANT = "MLDOCTOR";
const [salon, another] = [MERCHANT, "MLANOTHER"].map((merchantId) =>
  simulateSalon({
    seed: "doctor",
    merchantId,
    customers: 2,
    start: new Date("2026-02-01T00:00:00Z"),
    end: new Date("2026-02-10T00:00:00Z"),
  }),
) as [Salon, Salon];
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
  others: readonly FaultyMerchant[] = [],
): Promise<string> {
  const application = { id: "sq0idp-doctor", secret: "s", redirectUrl: URL, accessToken: APPLICATION_TOKEN };
  const square = await startFakeSquare({
    merchants: [{ salon, accessToken: ACCESS_TOKEN, ...merchant }, ...others],
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

/** What the doctor finds with a clock that is `aheadMs` ahead of the machine's. */
async function diagnose(env: Environment, { url = "http://127.0.0.1:1", aheadMs = 0 } = {}) {
  const tools = {
    env: { ...configured, ...env },
    clock: () => new Date(Date.now() + aheadMs),
    openApi: () => openApiAt(url),
    openSubscriptions: () => undefined,
  };
  return all(doctor(tools));
}

test("a DATABASE_URL that cannot be read is not taken for the embedded database", async () => {
  const findings = await diagnose({ DATABASE_URL: "postgresql://db" });
  expect(findings).toContainEqual(expect.objectContaining({ check: "configuration", status: "fail" }));
  expect(findings).toContainEqual(expect.objectContaining({ check: "database", status: "skipped" }));
});

describe("a clock that differs from the database's is found, with what to do", () => {
  test.each<[string, number, Finding["status"]]>([
    ["a second passes", 1_000, "pass"],
    ["five seconds ahead are a warning", 5_000, "warning"],
    ["five seconds behind are a warning", -5_000, "warning"],
    ["a minute ahead fails", 60_000, "fail"],
    ["a minute behind fails", -60_000, "fail"],
  ])("%s", async (_, aheadMs, status) => {
    const found = (await diagnose(ofDatabase, { aheadMs })).find(({ check }) => check === "clock");
    expect(found?.status).toBe(status);
    if (status === "pass") return;
    expect(found?.message).toMatch(/^This machine's clock and the database's are (4|5|59|60) s apart$/);
    expect(found?.remedy).toContain("NTP");
  });
});

describe("what is wrong with a stored token is found, with what to do", () => {
  const DAY_MS = 86_400_000;
  const unknownKey = Buffer.alloc(32, 1).toString("base64");

  interface Case {
    readonly promise: string;
    /** Whose token is stored. */
    readonly token?: string;
    readonly status?: string;
    readonly env?: Environment;
    readonly aheadMs?: number;
    readonly found: Omit<Finding, "message" | "remedy"> & {
      readonly message: RegExp;
      readonly remedy?: RegExp;
    };
  }

  test.each<Case>([
    {
      promise: "a token that lives three weeks more passes",
      aheadMs: 9 * DAY_MS,
      found: {
        check: "token_expiry",
        status: "pass",
        message: /^The access token of MLDOCTOR expires at 20/,
      },
    },
    {
      promise: "a token that expires within a week",
      aheadMs: 24 * DAY_MS,
      found: {
        check: "token_expiry",
        status: "warning",
        message: /^The access token of MLDOCTOR expires at 20/,
        remedy: /^run reconcile, which renews/,
      },
    },
    {
      promise: "a token that has expired",
      aheadMs: 31 * DAY_MS,
      found: {
        check: "token_expiry",
        status: "fail",
        message: /^The access token of MLDOCTOR expired at 20/,
        remedy: /^run reconcile, which renews/,
      },
    },
    {
      promise: "a seller who revoked our access",
      status: "revoked",
      found: {
        check: "token",
        status: "warning",
        message: /^The seller MLDOCTOR has revoked our access$/,
        remedy: /authorize the application again/,
      },
    },
    {
      promise: "a token of another merchant",
      token: "EAAA-token-of-another",
      found: {
        check: "token",
        status: "fail",
        message: /^The access token of MLDOCTOR belongs to another merchant$/,
        remedy: /org add --access-token-stdin/,
      },
    },
    {
      promise: "a token that the key cannot decrypt",
      env: { TOKEN_ENCRYPTION_KEY: unknownKey },
      found: {
        check: "token",
        status: "fail",
        message: /^TOKEN_ENCRYPTION_KEY cannot decrypt the access token of MLDOCTOR$/,
        remedy: /^set the key that encrypted it/,
      },
    },
    {
      promise: "a token without a key",
      env: { TOKEN_ENCRYPTION_KEY: "" },
      found: {
        check: "token",
        status: "fail",
        message: /^An access token is stored$/,
        remedy: /^set TOKEN_ENCRYPTION_KEY/,
      },
    },
  ])("$promise", async ({ token = ACCESS_TOKEN, status = "active", env, aheadMs, found }) => {
    const accessTokenCiphertext = encryptAccessToken(TOKEN_KEY, MERCHANT, token);
    const { id } = await addOrganization(
      database,
      { merchantId: MERCHANT, accessTokenCiphertext },
      new Date(),
    );
    await database.prisma.organization.update({ where: { id }, data: { status } });
    const url = await squareWith({ oauth: true }, undefined, [
      { salon: another, accessToken: "EAAA-token-of-another" },
    ]);
    const findings = await diagnose({ ...ofDatabase, ...env }, { url, ...(aheadMs && { aheadMs }) });
    const told = findings.filter(({ check }) => check === found.check);
    expect(told).toEqual([
      {
        ...found,
        message: expect.stringMatching(found.message),
        ...(found.remedy && { remedy: expect.stringMatching(found.remedy) }),
      },
    ]);
    expect(JSON.stringify(findings)).not.toContain("EAAA");
  });
});

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
