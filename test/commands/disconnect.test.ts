import { beforeEach, expect, onTestFinished, test } from "vitest";
import { handledEventTypes } from "../../handlers/registry.js";
import type { ReportedError } from "../../src/errors.js";
import { ConnectSeal } from "../../src/operations/connect-link.js";
import { disconnect } from "../../src/operations/disconnect.js";
import { renewTokens } from "../../src/pull/renew-tokens.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { ADMIN_KEY, openTestApp, type TestApp, testConfig } from "../support/app.js";
import { openForCommands, regulars } from "../support/command-line.js";
import { connectSeller } from "../support/connect-seller.js";
import { emptyDatabase } from "../support/database.js";
import { type FaultySquare, startFakeSquare } from "../support/fake-square.js";
import { freePort } from "../support/free-port.js";
import { openApiAt, TOKEN_KEY } from "../support/square-context.js";
import { contextAt, reportOf } from "../support/sweeping.js";

const { database, env } = await openForCommands();
const [SALON, OTHER] = ["MLDISCONNECT", "MLSTAYS"] as const;
const DAY = 86_400_000;
const KEY = "signature-key-of-the-tests";
const [salon, other] = [SALON, OTHER].map((merchantId) => ({
  accessToken: `personal-${merchantId}`,
  salon: simulateSalon({
    seed: merchantId,
    merchantId,
    customers: 2,
    start: new Date("2026-05-01T00:00:00Z"),
    end: new Date("2026-05-10T00:00:00Z"),
  }),
}));

const port = await freePort();
const address = `http://127.0.0.1:${port}`;
const notificationUrl = `${address}/hooks`;
const application = {
  id: "sq0idp-disconnect",
  secret: "sq0csp-disconnect",
  redirectUrl: `${address}/connect/square/callback`,
  accessToken: "EAAA-token-of-the-application",
};

let square: FaultySquare;
let app: TestApp;

beforeEach(async () => {
  await emptyDatabase(database);
  const clock = () => app.clock.now;
  const merchants = [salon, other].filter((each) => each !== undefined);
  square = await startFakeSquare({ merchants, applications: [application], clock, retryAfterMs: [20, 20] });
  onTestFinished(() => square.close());
  app = await openTestApp(database, {
    config: { ...testConfig, webhook: { signatureKeys: [KEY], notificationUrl } },
    sweeping: {
      openApi: openApiAt(square.url),
      tokenEncryptionKey: TOKEN_KEY,
      application: { ...application, environment: "sandbox", baseUrl: square.url, wait: async () => {} },
    },
  });
  await app.http.listen({ host: "127.0.0.1", port });
  await subscribe();
});

/** The application's subscription at Square, with the key that the server knows. */
async function subscribe(): Promise<void> {
  const subscription = {
    name: "Tests",
    event_types: handledEventTypes,
    notification_url: notificationUrl,
  };
  const answer = await fetch(`${square.url}/v2/webhooks/subscriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${application.accessToken}` },
    body: JSON.stringify({ subscription }),
  });
  const { subscription: made } = (await answer.json()) as { subscription: { id: string } };
  square.subscriptions.change(made.id, { signature_key: KEY });
}

async function connect(merchantId: string): Promise<void> {
  const link = new ConnectSeal(TOKEN_KEY).seal("link", "abc", app.clock.now);
  expect(await connectSeller(square.url, `${address}/connect/square?link=${link}`, merchantId)).toBe(200);
}

const configured = () => ({
  ...env,
  SQUARE_BASE_URL: square.url,
  SQUARE_APPLICATION_ID: application.id,
  SQUARE_APPLICATION_SECRET: application.secret,
  SQUARE_OAUTH_REDIRECT_URL: application.redirectUrl,
  TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64"),
});

const organizationOf = (squareMerchantId: string) =>
  database.prisma.organization.findUniqueOrThrow({ where: { squareMerchantId } });
const sweepNow = async () => reportOf(await app.sweeps.run("recent"));
const requestsTo = (path: string) => square.requests.filter((request) => request.path === path).length;

const ERASED = {
  status: "disconnected",
  accessTokenCiphertext: null,
  refreshTokenCiphertext: null,
  authorizedAt: null,
  tokenObtainedAt: null,
  tokenExpiresAt: null,
};

test("disconnect ends the permission at Square, erases the tokens, and stops the pulls of this seller alone", async () => {
  await connect(SALON);
  await connect(OTHER);
  const before = await organizationOf(SALON);
  const { code, stdout, stderr } = await regulars(
    configured(),
    "disconnect",
    "--organization",
    SALON,
    "--json",
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { id: organization_id, name } = before;
  expect(JSON.parse(stdout)).toEqual({ organization_id, merchant_id: SALON, name, withdrawn: true });
  expect(square.oauth.isConnected(application, SALON)).toBe(false);
  // Square tells of it, and the event changes nothing more.
  const told = () =>
    database.prisma.webhookEvent.count({
      where: { eventType: "oauth.authorization.revoked", status: "processed" },
    });
  await expect.poll(told).toBe(1);
  expect(await organizationOf(SALON)).toEqual({ ...before, ...ERASED });
  const asked = requestsTo("/v2/merchants/me");
  expect((await sweepNow()).errors).toEqual([]);
  expect(requestsTo("/v2/merchants/me"), "only the other seller is read").toBe(asked + 1);
  const shown = await app.http.inject({
    url: "/admin/jobs/status",
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  expect(shown.json().organizations).toContainEqual(
    expect.objectContaining({
      organization_id,
      status: "disconnected",
      token: { state: "none", expires_at: null, remedy: null },
    }),
  );
});

test("a seller who was disconnected connects again as the same organization", async () => {
  await connect(SALON);
  const { id } = await organizationOf(SALON);
  expect((await regulars(configured(), "disconnect")).stdout).toContain("Square has ended the permission.");
  app.clock.advance(60_000);
  await connect(SALON);
  expect(await organizationOf(SALON)).toMatchObject({ id, status: "active" });
  const { errors, pulled } = await sweepNow();
  expect({ errors, locations: pulled.locations > 0 }).toEqual({ errors: [], locations: true });
});

test("when Square refuses, the connection stays whole, and the command says so without the secret", async () => {
  await connect(SALON);
  const before = await organizationOf(SALON);
  const wrong = { ...configured(), SQUARE_APPLICATION_SECRET: "sq0csp-wrong" };
  const { code, stderr } = await regulars(wrong, "disconnect");
  expect(code).toBe(1);
  expect(stderr).toContain("Nothing was changed here. POST /oauth2/revoke, attempt 1: HTTP 401 UNAUTHORIZED");
  expect(stderr).not.toContain("sq0csp-wrong");
  const bare = { ...configured(), SQUARE_APPLICATION_ID: "", SQUARE_APPLICATION_SECRET: "" };
  expect((await regulars(bare, "disconnect")).stderr).toContain("SQUARE_APPLICATION_SECRET");
  expect(await organizationOf(SALON)).toEqual(before);
  expect(square.oauth.isConnected(application, SALON)).toBe(true);
});

test("a permission that Square no longer knows is no obstacle, and a second disconnect changes nothing", async () => {
  await connect(SALON);
  square.oauth.withdraw(SALON);
  const [first, second] = [
    await regulars(configured(), "disconnect", "--json"),
    await regulars(configured(), "disconnect", "--json"),
  ];
  for (const { code, stdout } of [first, second]) {
    expect({ code, withdrawn: JSON.parse(stdout).withdrawn }).toEqual({ code: 0, withdrawn: false });
  }
  expect(await organizationOf(SALON)).toMatchObject(ERASED);
  expect(requestsTo("/oauth2/revoke")).toBe(1);
});

test("a personal access token is erased without asking Square, unless the configuration would store it again", async () => {
  const personal = { ...configured(), SQUARE_ACCESS_TOKEN: "", SQUARE_MERCHANT_ID: "" };
  await database.prisma.organization.create({
    data: {
      squareMerchantId: SALON,
      name: "Salon",
      timeZone: "UTC",
      accessTokenCiphertext: new Uint8Array(60),
    },
  });
  const again = await regulars(
    { ...personal, SQUARE_MERCHANT_ID: SALON, SQUARE_ACCESS_TOKEN: "EAAA-personal" },
    "disconnect",
  );
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("SQUARE_ACCESS_TOKEN") });
  expect((await organizationOf(SALON)).status).toBe("active");
  expect((await regulars(personal, "disconnect")).code).toBe(0);
  expect(await organizationOf(SALON)).toMatchObject(ERASED);
  expect(requestsTo("/oauth2/revoke")).toBe(0);
});

test("an organization without a token cannot be disconnected", async () => {
  await database.prisma.organization.create({
    data: { squareMerchantId: SALON, name: "Salon", timeZone: "UTC" },
  });
  const { code, stderr } = await regulars(configured(), "disconnect");
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("has no access token") });
});

test("a renewal that is under way does not bring the tokens back", async () => {
  await connect(SALON);
  app.clock.advance(8 * DAY);
  // The permission is unknown at the other Square. So the renewal's second attempt still succeeds at the first one.
  const elsewhere = await startFakeSquare({ merchants: [], applications: [application] });
  onTestFinished(() => elsewhere.close());
  const { id } = await organizationOf(SALON);
  square.fail({ kind: "status", status: 503 }, { on: "/oauth2/token" });
  const environment = "sandbox" as const;
  const renewing = {
    ...application,
    environment,
    baseUrl: square.url,
    wait: async () => {
      await disconnect(database, id, { ...application, environment, baseUrl: elsewhere.url });
    },
  };
  const own = { application: renewing, tokenEncryptionKey: TOKEN_KEY };
  const errors: ReportedError[] = [];
  await renewTokens(
    contextAt(database, () => app.clock.now, own),
    errors,
  );
  expect({ errors, renewed: requestsTo("/oauth2/token") }).toEqual({ errors: [], renewed: 3 });
  expect(await organizationOf(SALON)).toMatchObject(ERASED);
});

test("a seller who connects while being disconnected stays connected", async () => {
  await connect(SALON);
  const { id } = await organizationOf(SALON);
  square.fail({ kind: "status", status: 503 }, { on: "/oauth2/revoke" });
  const again = async () => {
    app.clock.advance(1_000);
    await connect(SALON);
  };
  const reached = { ...application, environment: "sandbox" as const, baseUrl: square.url, wait: again };
  await expect(disconnect(database, id, reached)).rejects.toMatchObject({ code: "connected_again" });
  expect(await organizationOf(SALON)).toMatchObject({
    status: "active",
    refreshTokenCiphertext: expect.anything(),
  });
});
