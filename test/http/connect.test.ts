import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/database/database.js";
import { isUnavailable } from "../../src/database/failures.js";
import type { ReportedError } from "../../src/errors.js";
import { ConnectSeal } from "../../src/operations/connect-link.js";
import { renewTokens } from "../../src/pull/renew-tokens.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { OAUTH_SCOPES } from "../../src/square/api/oauth.js";
import { ADMIN_KEY, NOW, openTestApp, type TestApp } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { type FaultySquare, startFakeSquare } from "../support/fake-square.js";
import { openApiAt, TOKEN_KEY } from "../support/square-context.js";
import { contextAt, reportOf } from "../support/sweeping.js";

const database = await openTestDatabase();
const DAY = 86_400_000;
const SECRET = "sq0csp-secret-of-the-tests";
const REDIRECT = "https://regulars.example/connect/square/callback";
const [SALON, OTHER] = ["MLCONNECT", "MLOTHER"];
const salons = [SALON, OTHER].map((merchantId) => ({
  accessToken: `personal-${merchantId}`,
  salon: simulateSalon({
    seed: merchantId,
    merchantId,
    customers: 2,
    start: new Date("2026-05-01T00:00:00Z"),
    end: new Date("2026-05-10T00:00:00Z"),
  }),
}));

const APPLICATION = { id: "sq0idp-tests", secret: SECRET, redirectUrl: REDIRECT };

let app: TestApp;
let square: FaultySquare;
let address: string;

beforeEach(async () => {
  await emptyDatabase(database);
  const clock = () => app.clock.now;
  square = await startFakeSquare({ merchants: salons, applications: [APPLICATION], clock });
  onTestFinished(() => square.close());
  app = await openTestApp(database, { sweeping: sweeping() });
  address = await app.http.listen({ host: "127.0.0.1", port: 0 });
});

/** A server that reaches the application at the fake Square. */
const sweeping = () => ({
  openApi: openApiAt(square.url),
  tokenEncryptionKey: TOKEN_KEY,
  application: {
    ...APPLICATION,
    environment: "sandbox" as const,
    baseUrl: square.url,
    timeoutMs: 2_000,
    wait: async () => {},
  },
});

/** A browser over real HTTP. It keeps the cookies of our server, and follows Square's redirect to it. */
class Browser {
  cookie = "";

  async get(url: string, headers: Record<string, string> = {}) {
    const answer = await fetch(url.replace("https://regulars.example", address), {
      redirect: "manual",
      headers: { ...headers, ...(this.cookie && { cookie: this.cookie }) },
    });
    for (const set of answer.headers.getSetCookie()) {
      const [pair = "", ...attributes] = set.split("; ");
      this.cookie = attributes.some((one) => one === "Max-Age=0") ? "" : pair;
    }
    const { status } = answer;
    const [location, cookies] = [answer.headers.get("location") ?? "", answer.headers.getSetCookie()];
    return { status, location, cookies, text: await answer.text() };
  }

  /** Starts with the admin key, and answers Square's page. @returns where Square sends the browser */
  async decide(decision: "allow" | "deny", merchant_id = SALON): Promise<string> {
    const { location } = await this.get(`${address}/connect/square`, {
      authorization: `Bearer ${ADMIN_KEY}`,
    });
    const asked = new URL(location);
    expect((await fetch(asked)).status).toBe(200);
    const body = new URLSearchParams([
      ...asked.searchParams,
      ["decision", decision],
      ["merchant_id", merchant_id],
    ]);
    const answer = await fetch(`${square.url}/oauth2/authorize`, {
      method: "POST",
      body,
      redirect: "manual",
    });
    return answer.headers.get("location") ?? "";
  }

  async connect(merchantId = SALON) {
    return this.get(await this.decide("allow", merchantId));
  }
}

const organizations = () => database.prisma.organization.findMany({ orderBy: { squareMerchantId: "asc" } });
const sweepNow = async () => reportOf(await app.sweeps.run("recent"));

test("a seller connects: the organization exists with Square's profile, and its tokens are stored encrypted", async () => {
  const browser = new Browser();
  const start = await browser.get(`${address}/connect/square`, { authorization: `Bearer ${ADMIN_KEY}` });
  expect(start.status).toBe(302);
  const asked = new URL(start.location);
  expect(asked.searchParams.get("scope")?.split(" ")).toEqual([...OAUTH_SCOPES]);
  expect(asked.searchParams.get("redirect_uri")).toBe(REDIRECT);
  expect(start.cookies[0]).toMatch(/Max-Age=600; Path=\/connect\/square; HttpOnly; Secure; SameSite=Lax/);

  const { status, text } = await browser.connect();
  expect(status).toBe(200);
  const [organization] = await organizations();
  expect(text).toContain(organization?.id);
  const { merchant } = (salons[0] as (typeof salons)[0]).salon.truth;
  expect(organization).toMatchObject({
    name: merchant.business_name,
    currency: merchant.currency,
    status: "active",
    tokenExpiresAt: new Date(NOW.getTime() + 30 * DAY),
  });
  for (const stored of [organization?.accessTokenCiphertext, organization?.refreshTokenCiphertext]) {
    expect(stored?.length).toBeGreaterThan(40);
    expect(Buffer.from(stored ?? []).toString("latin1")).not.toMatch(/E[AQ]AA-/);
  }
  expect((await sweepNow()).errors).toEqual([]);
});

test("the link of the command starts the flow without a key, for ten minutes, and only as it was signed", async () => {
  const link = new ConnectSeal(TOKEN_KEY).seal("link", "abc", NOW);
  const open = async (given: string) =>
    (await new Browser().get(`${address}/connect/square?link=${given}`)).status;
  expect(await open(link)).toBe(302);
  expect(await open(`${link.slice(0, -2)}xx`)).toBe(401);
  expect(await open(new ConnectSeal(TOKEN_KEY).seal("state", "abc", NOW))).toBe(401);
  expect((await new Browser().get(`${address}/connect/square`)).status).toBe(401);
  app.clock.advance(10 * 60_000);
  expect(await open(link)).toBe(401);
});

test("a seller who denies changes nothing", async () => {
  const browser = new Browser();
  const { status, text } = await browser.get(await browser.decide("deny"));
  expect({ status, code: JSON.parse(text).code }).toEqual({ status: 403, code: "access_denied" });
  expect(await organizations()).toEqual([]);
});

test("a missing, wrong, expired or stolen state connects nothing, and Square is not asked", async () => {
  const browser = new Browser();
  const back = await browser.decide("allow");
  const wrong = new URL(back);
  wrong.searchParams.set("state", "guessed");
  const missing = new URL(back);
  missing.searchParams.delete("state");
  const thief = new Browser();
  await thief.decide("allow", OTHER);
  const asked = square.requests.length;
  const answers = [
    await browser.get(wrong.href),
    await browser.get(missing.href),
    await new Browser().get(back),
    await thief.get(back),
  ];
  app.clock.advance(10 * 60_000);
  answers.push(await browser.get(back));
  for (const { status, text } of answers)
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 400, code: "invalid_state" });
  expect(square.requests.length).toBe(asked);
  expect(await organizations()).toEqual([]);
});

test("a code works once, and not after five minutes", async () => {
  const browser = new Browser();
  const back = await browser.decide("allow");
  const { cookie } = browser;
  expect((await browser.get(back)).status).toBe(200);
  expect(browser.cookie).toBe("");
  browser.cookie = cookie;
  const again = await browser.get(back);
  expect({ status: again.status, code: JSON.parse(again.text).code }).toEqual({
    status: 400,
    code: "invalid_code",
  });
  const late = await browser.decide("allow", OTHER);
  app.clock.advance(6 * 60_000);
  expect((await browser.get(late)).status).toBe(400);
  expect((await organizations()).map(({ squareMerchantId }) => squareMerchantId)).toEqual([SALON]);
});

test.each(["/oauth2/token", "/v2/merchants/me", "/v2/locations"])(
  "when Square fails at %s nothing is stored, and the seller can start over",
  async (path) => {
    const broken = square.fail({ kind: "status", status: 500 }, { on: path, times: 100 });
    const browser = new Browser();
    const failed = await browser.connect();
    expect({ status: failed.status, code: JSON.parse(failed.text).code }).toEqual({
      status: 503,
      code: "square_failed",
    });
    expect(await organizations()).toEqual([]);
    broken.cancel();
    expect((await browser.connect()).status).toBe(200);
  },
);

test("one server serves two sellers; one who connects again keeps the organization, and is active again", async () => {
  await new Browser().connect(SALON);
  await new Browser().connect(OTHER);
  const before = await organizations();
  expect(before.map(({ squareMerchantId }) => squareMerchantId)).toEqual([SALON, OTHER]);
  app.clock.advance(60_000);
  square.oauth.withdraw(SALON);
  await app.deliver({
    merchant_id: SALON,
    type: "oauth.authorization.revoked",
    event_id: "revoked-1",
    created_at: app.clock.now.toISOString(),
    data: {
      type: "revocation",
      id: "r1",
      object: { revocation: { revoked_at: app.clock.now.toISOString(), revoker_type: "MERCHANT" } },
    },
  });
  expect((await organizations()).map(({ status }) => status)).toEqual(["revoked", "active"]);
  app.clock.advance(60_000);
  await new Browser().connect(SALON);
  const after = await organizations();
  expect(after.map(({ id, status }) => [id, status])).toEqual(before.map(({ id }) => [id, "active"]));
  const report = await sweepNow();
  expect(report.errors).toEqual([]);
  expect(report.pulled.locations).toBeGreaterThan(1);
});

test("the sweep renews a token that is seven days old, and not before; the sellers' pulls go on past thirty days", async () => {
  await new Browser().connect(SALON);
  const [first] = await organizations();
  app.clock.advance(7 * DAY - 1_000);
  await sweepNow();
  expect((await organizations())[0]?.tokenExpiresAt).toEqual(first?.tokenExpiresAt);
  for (let day = 0; day < 35; day += 7) {
    app.clock.advance(7 * DAY);
    expect((await sweepNow()).errors).toEqual([]);
    expect((await organizations())[0]?.tokenExpiresAt).toEqual(new Date(app.clock.now.getTime() + 30 * DAY));
  }
});

test("a renewal that fails is reported and tried again; one that Square refuses for good says to connect again", async () => {
  await new Browser().connect(SALON);
  app.clock.advance(8 * DAY);
  const broken = square.fail({ kind: "status", status: 503 }, { on: "/oauth2/token", times: 100 });
  const failed = await sweepNow();
  expect(failed.errors.map(({ code }) => code)).toEqual(["token_not_renewed"]);
  expect((await organizations())[0]?.status).toBe("active");
  broken.cancel();
  expect((await sweepNow()).errors).toEqual([]);
  square.oauth.withdraw(SALON);
  app.clock.advance(8 * DAY);
  const withdrawn = await sweepNow();
  expect(withdrawn.errors.map(({ code }) => code)).toEqual(["authorization_withdrawn"]);
  expect((await organizations())[0]?.status).toBe("revoked");
});

test("with a wrong application secret a renewal is reported, and the organization stays active", async () => {
  await new Browser().connect(SALON);
  app.clock.advance(8 * DAY);
  const { application } = sweeping();
  const wrong = await openTestApp(database, {
    sweeping: { ...sweeping(), application: { ...application, secret: "sq0csp-wrong" } },
  });
  wrong.clock.now = app.clock.now;
  const report = reportOf(await wrong.sweeps.run("recent"));
  expect(report.errors.map(({ code }) => code)).toEqual(["token_not_renewed"]);
  expect(JSON.stringify(report)).not.toContain("sq0csp-wrong");
  expect((await organizations())[0]?.status).toBe("active");
});

test("a token that cannot be read is reported, and the other seller's is renewed", async () => {
  await new Browser().connect(SALON);
  await new Browser().connect(OTHER);
  const [salon] = await organizations();
  const unreadable = { refreshTokenCiphertext: new Uint8Array(60) };
  await database.prisma.organization.update({ where: { id: salon?.id ?? "" }, data: unreadable });
  app.clock.advance(8 * DAY);
  const { errors } = await sweepNow();
  expect(errors).toMatchObject([{ organization_id: salon?.id, step: "pull", code: "token_not_renewed" }]);
  const expiries = (await organizations()).map(({ tokenExpiresAt }) => tokenExpiresAt);
  expect(expiries).toEqual([salon?.tokenExpiresAt, new Date(app.clock.now.getTime() + 30 * DAY)]);
});

/** Renews on this database. Square fails once, and `meanwhile` happens before it is asked again. */
async function renewWhile(on: Database, meanwhile: () => unknown, signal?: AbortSignal) {
  const errors: ReportedError[] = [];
  square.fail({ kind: "status", status: 503 }, { on: "/oauth2/token" });
  const wait = async () => {
    await meanwhile();
  };
  const { application, tokenEncryptionKey } = sweeping();
  const own = { application: { ...application, wait }, tokenEncryptionKey, ...(signal && { signal }) };
  await renewTokens(
    contextAt(on, () => app.clock.now, own),
    errors,
  );
  return errors;
}

test("a stop ends the renewals and is no error", async () => {
  await new Browser().connect(SALON);
  await new Browser().connect(OTHER);
  const before = await organizations();
  app.clock.advance(8 * DAY);
  let asked: number | undefined;
  const stop = new AbortController();
  const stopping = () => {
    asked = square.requests.length;
    stop.abort();
  };
  expect(await renewWhile(database, stopping, stop.signal)).toEqual([]);
  expect(square.requests.length).toBe(asked);
  expect(await organizations()).toEqual(before);
});

test("a silent Square costs the renewals one time-out, and the tokens stay", async () => {
  await new Browser().connect(SALON);
  await new Browser().connect(OTHER);
  const before = await organizations();
  app.clock.advance(8 * DAY);
  const silent = square.fail({ kind: "no-answer" }, { on: "/oauth2/token", times: Number.POSITIVE_INFINITY });
  onTestFinished(() => silent.cancel());
  const asked = square.requests.length;
  const errors: ReportedError[] = [];
  const { application, tokenEncryptionKey } = sweeping();
  const own = { application: { ...application, timeoutMs: 200 }, tokenEncryptionKey };
  await renewTokens(
    contextAt(database, () => app.clock.now, own),
    errors,
  );
  expect(errors).toMatchObject([{ step: "pull", code: "token_not_renewed" }]);
  expect(square.requests.length, "one seller in two attempts").toBe(asked + 2);
  expect(await organizations()).toEqual(before);
});

test("a database that goes away during the renewals ends them, and is not the seller's error", async () => {
  await new Browser().connect(SALON);
  app.clock.advance(8 * DAY);
  const leaving = await openTestDatabase();
  await leaving.prisma.organization.createMany({
    data: (await organizations()).map(({ settings, ...organization }) => ({
      ...organization,
      settings: settings ?? {},
    })),
  });
  const failed: unknown = await renewWhile(leaving, () => leaving.close()).catch((error) => error);
  expect(isUnavailable(failed), String(failed)).toBe(true);
});

test("two servers that sweep at once renew a token once", async () => {
  await new Browser().connect(SALON);
  app.clock.advance(8 * DAY);
  const renewals = () => square.requests.filter(({ path }) => path === "/oauth2/token").length;
  const before = renewals();
  await Promise.all([app.sweeps.run("recent"), app.sweeps.run("recent")]);
  expect(renewals()).toBe(before + 1);
});

test("no log line and no answer holds the secret, a code or a token", async () => {
  const browser = new Browser();
  const back = await browser.decide("allow");
  const { text } = await browser.get(back);
  app.clock.advance(8 * DAY);
  await sweepNow();
  square.fail({ kind: "status", status: 401 }, { on: "/oauth2/token", times: 100 });
  const failed = await browser.connect(OTHER);
  const shown = [...app.logLines, text, failed.text].join("\n");
  expect(shown).toContain("access token renewed");
  const code = new URL(back).searchParams.get("code") as string;
  for (const hidden of [SECRET, code, "EAAA-", "EQAA-"]) expect(shown).not.toContain(hidden);
});

test("without an application the routes answer 503 and name the variables", async () => {
  const bare = await openTestApp(database);
  const answer = await bare.http.inject({ url: "/connect/square/callback" });
  expect({ status: answer.statusCode, detail: answer.json().detail }).toEqual({
    status: 503,
    detail: expect.stringContaining("SQUARE_APPLICATION_ID"),
  });
});
