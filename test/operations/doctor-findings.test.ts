import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { doctor } from "../../src/operations/doctor.js";
import type { Finding } from "../../src/operations/finding.js";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { type Environment, openForCommands } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { startFakeSquare } from "../support/fake-square.js";
import { ACCESS_TOKEN, openApiAt, TOKEN_KEY } from "../support/square-context.js";

const MERCHANT = "MLDOCTOR";
const OTHERS_TOKEN = "EAAA-token-of-another";

const { database, env: ofDatabase } = await openForCommands();

beforeEach(() => emptyDatabase(database));

/** A Square with the merchant, whose token expires after thirty days, and another. */
async function openSquare(): Promise<string> {
  const merchant = (merchantId: string, accessToken: string) => ({
    salon: simulateSalon({
      seed: "doctor",
      merchantId,
      customers: 2,
      start: new Date("2026-02-01T00:00:00Z"),
      end: new Date("2026-02-10T00:00:00Z"),
    }),
    accessToken,
    oauth: true,
  });
  const merchants = [merchant(MERCHANT, ACCESS_TOKEN), merchant("MLANOTHER", OTHERS_TOKEN)];
  const square = await startFakeSquare({ merchants });
  onTestFinished(() => square.close());
  return square.url;
}

/** What the doctor finds with a clock that is `aheadMs` ahead of the machine's. */
async function diagnose(env: Environment, { url = "http://127.0.0.1:1", aheadMs = 0 } = {}) {
  const tools = {
    env: {
      SQUARE_WEBHOOK_SIGNATURE_KEY: "the-key",
      SQUARE_WEBHOOK_NOTIFICATION_URL: "https://salon.example/webhooks/square",
      TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64"),
      ...env,
    },
    clock: () => new Date(Date.now() + aheadMs),
    openApi: () => openApiAt(url),
    openSubscriptions: () => undefined,
  };
  const findings: Finding[] = [];
  for await (const finding of doctor(tools)) findings.push(finding);
  return findings;
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
      token: OTHERS_TOKEN,
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
    const url = await openSquare();
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
