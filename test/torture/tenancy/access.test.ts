/** Every route but the open ones needs a key. */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dashboardPages } from "../../../src/http/dashboard-routes.js";
import {
  ADMIN_KEY,
  addSalon,
  NOTIFICATION_URL,
  openTestApp,
  SIGNATURE_KEY,
  signed,
  type TestApp,
  testConfig,
} from "../../support/app.js";
import { openTestDatabase } from "../../support/database.js";
import { bodyOf, customerEvent, paymentEvent } from "../../support/events.js";
import { storedEvents } from "../../support/tables.js";

const compared: [given: number, expected: number][] = [];
/** Records every comparison in constant time. */
function watchComparisons(): void {
  const { timingSafeEqual } = crypto;
  vi.spyOn(crypto, "timingSafeEqual").mockImplementation((one, other) => {
    compared.push([one.byteLength, other.byteLength]);
    return timingSafeEqual(one, other);
  });
  syncBuiltinESMExports();
}
beforeEach(watchComparisons);
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  compared.length = 0;
});

const database = await openTestDatabase();
const salon = await addSalon(database);
const customer = `/api/organizations/${salon}/customers/ana`;

function get(app: TestApp, authorization: string) {
  return app.http.inject({ url: customer, headers: { authorization }, remoteAddress: "192.0.2.1" });
}

/** The open routes. A new open route is added here on purpose. The callback is guarded by its state. */
const openRoutes =
  /^(\/healthz|\/readyz|\/metrics|\/docs(\/.*)?|\/openapi\.json|\/webhooks\/square|\/assets\/\*|\/connect\/square\/callback)$/;

test("every route but the open ones refuses a missing or wrong key", async () => {
  const app = await openTestApp(database, {
    config: { ...testConfig, cronSecret: "the secret of the cron" },
  });
  await app.http.ready();
  const guarded = app.routes.filter(({ url }) => !openRoutes.test(url) && !dashboardPages.includes(url));
  expect(guarded.map(({ url }) => url)).toContain(
    "/api/organizations/:organizationId/customers/:squareCustomerId",
  );
  for (const { method, url } of guarded) {
    const path = url.replace(":organizationId", salon).replaceAll(/:\w+/g, "ana");
    const wrong = [
      "Bearer",
      "Bearer ",
      `Bearer ${ADMIN_KEY}x`,
      `Bearer ${ADMIN_KEY} x`,
      `Basic ${ADMIN_KEY}`,
    ];
    for (const authorization of [undefined, ...wrong, `Bearer ${SIGNATURE_KEY}`]) {
      const answer = await app.http.inject({
        method: method as "GET",
        url: path,
        headers: authorization === undefined ? {} : { authorization },
      });
      const asked = `${method} ${url} with ${authorization}`;
      expect(answer.statusCode, asked).toBe(401);
      expect(answer.headers["www-authenticate"], asked).toBe("Bearer");
      if (method !== "HEAD") expect(answer.json().code, asked).toBe("unauthorized");
    }
  }
});

test("keys and signatures are compared in constant time, whatever their length", async () => {
  const app = await openTestApp(database);
  for (const key of ["", "x", ADMIN_KEY, `${ADMIN_KEY}x`, "x".repeat(5_000)]) {
    compared.length = 0;
    await get(app, `Bearer ${key}`);
    expect(compared, key).toEqual([[32, 32]]);
  }
  const body = bodyOf(paymentEvent());
  const wrong = String(signed(body, "another key")["x-square-hmacsha256-signature"]);
  compared.length = 0;
  await app.inject(body, { "x-square-hmacsha256-signature": wrong });
  await app.inject(body, { "x-square-hmacsha256-signature": wrong.slice(1) });
  expect(compared, "the length of a signature is no secret").toEqual([[44, 44]]);
  expect(NOTIFICATION_URL).toContain("https://");
});

test("a right key is never refused, however many wrong ones come from the same address", async () => {
  const app = await openTestApp(database);
  await app.deliver(customerEvent("customer.created", { id: "ana" }));
  for (let attempt = 0; attempt < 100; attempt++) {
    expect((await get(app, "Bearer wrong")).statusCode).toBe(401);
  }
  expect((await get(app, `Bearer ${ADMIN_KEY}`)).statusCode).toBe(200);
});

test("a right signature is never refused, however many wrong ones come from the same address", async () => {
  const app = await openTestApp(database);
  const before = (await storedEvents(database)).length;
  for (let attempt = 0; attempt < 100; attempt++) {
    const forged = bodyOf(paymentEvent());
    expect((await app.inject(forged, signed(forged, "another key"))).status).toBe(401);
  }
  expect((await app.deliver(paymentEvent())).status).toBe(200);
  expect(await storedEvents(database)).toHaveLength(before + 1);
});

test("guessed keys are logged in one line a second, without the guess", async () => {
  const app = await openTestApp(database);
  for (let attempt = 0; attempt < 25; attempt++) await get(app, "Bearer hunter2");
  const told = app.logLines
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === "authorization refused");
  expect(told[0]).toMatchObject({ level: 40, code: "unauthorized", left_out: 0 });
  expect(told.length).toBeLessThan(25);
  expect(app.logLines.join("")).not.toMatch(/hunter2|192\.0\.2/);
});
