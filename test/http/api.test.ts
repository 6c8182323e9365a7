import { beforeEach, expect, test } from "vitest";
import { dashboardPages } from "../../src/http/dashboard-routes.js";
import { ADMIN_KEY, openSalonApp, openTestApp, type TestApp, testConfig } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bookingEvent, customerEvent, mergeEvents, paymentEvent } from "../support/events.js";

const database = await openTestDatabase();
let app: TestApp;
let salon: string;

beforeEach(async () => {
  ({ app, salon } = await openSalonApp(database));
  await app.http.ready();
});

const authorization = `Bearer ${ADMIN_KEY}`;
const get = (url: string, headers: Record<string, string> = { authorization }) =>
  app.http.inject({ url, headers });

test("/openapi.json describes every route that the server knows, its parameters, answers, errors and key", async () => {
  const { paths, components } = (await get("/openapi.json", {})).json();
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const known = app.routes
    .filter(
      ({ method, url }) =>
        method !== "HEAD" &&
        method !== "OPTIONS" &&
        !/^\/(docs|openapi\.json|assets\/)/.test(url) &&
        !dashboardPages.includes(url),
    )
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, "{$1}")}`);
  expect(described.sort()).toEqual([...new Set(known)].sort());
  for (const [path, methods] of Object.entries(paths as Record<string, Record<string, Described>>)) {
    for (const [method, route] of Object.entries(methods)) {
      const told = `${method} ${path}`;
      expect(route.summary, told).toBeTruthy();
      expect(
        Object.keys(route.responses).some((status) => /^[23]/.test(status)),
        told,
      ).toBe(true);
      const named = (route.parameters ?? [])
        .filter((parameter) => parameter.in === "path")
        .map(({ name }) => name);
      expect(named.sort(), told).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort());
      if (/^\/(api|admin)/.test(path)) expect(route.responses, told).toHaveProperty("401");
    }
  }
  expect(Object.keys(components.securitySchemes)).toEqual([
    "adminKey",
    "session",
    "cronSecret",
    "squareSignature",
  ]);
});

interface Described {
  readonly summary?: string;
  readonly security?: readonly Record<string, unknown>[];
  readonly requestBody?: unknown;
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly description?: string;
    readonly schema: object;
  }[];
}

test("each route has the key, the parameters and the errors that its description says", async () => {
  const keyed = await openTestApp(database, {
    config: { ...testConfig, cronSecret: "secret-of-the-cron" },
  });
  const { paths } = (await keyed.http.inject("/openapi.json")).json();
  const cookie = await sessionCookie(keyed);
  const keys: Readonly<Record<string, string>> = {
    adminKey: ADMIN_KEY,
    cronSecret: "secret-of-the-cron",
  };
  const all = Object.entries(paths as Record<string, Record<string, Described>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => ({
      path,
      method: method.toUpperCase() as "GET",
      route,
    })),
  );
  for (const { path, method, route } of all) {
    const url = path.replace("{organizationId}", crypto.randomUUID()).replaceAll(/\{\w+\}/g, "x");
    const schemes = (route.security ?? []).flatMap((scheme) => Object.keys(scheme));
    const ask = async (query: string, headers: Record<string, string>, payload?: string) => {
      const answer = await keyed.http.inject({
        method,
        url: url + query,
        headers,
        ...(payload && { payload }),
      });
      const told = `${method} ${path}${query} with ${JSON.stringify(headers)} answers ${answer.statusCode}`;
      const { content } =
        route.responses[answer.statusCode] ?? expect.fail(`${told}, which is not described`);
      if (answer.statusCode >= 400)
        expect(Object.keys(content ?? {}), told).toEqual(["application/problem+json"]);
      return { told, status: answer.statusCode, parameter: answer.json<{ parameter?: string }>().parameter };
    };
    // Without a key, whatever else is wrong.
    const wantsKey = schemes.length > 0;
    if (wantsKey) expect(await ask("?nonsense=1", {})).toMatchObject({ status: 401 });
    const key = keys[schemes[0] ?? ""];
    // A session is opened without a key.
    if (key === undefined && (wantsKey || !route.requestBody)) continue;
    const authorization = `Bearer ${key}`;
    expect(await ask("?nonsense=1", { authorization })).toMatchObject(
      route.requestBody ? { status: 400 } : { status: 400, parameter: "nonsense" },
    );
    if (route.requestBody) {
      expect(await ask("", { authorization, "content-type": "text/plain" }, "x")).toMatchObject({
        status: 415,
      });
      const large = JSON.stringify("x".repeat(2 ** 20));
      expect(await ask("", { authorization, "content-type": "application/json" }, large)).toMatchObject({
        status: 413,
      });
    } else if (path.includes("{organizationId}")) {
      expect(await ask("", { authorization })).toMatchObject({ status: 404 });
    }
    if (schemes.includes("session") && method !== "GET") {
      expect(await ask("", { cookie, origin: "https://elsewhere.example" })).toMatchObject({ status: 403 });
    }
  }
  // Nobody describes a route without saying who may call it.
  expect(all.filter(({ route }) => !route.security).map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "POST /api/session",
    "GET /connect/square/callback",
  ]);
});

async function sessionCookie({ http }: TestApp): Promise<string> {
  const opened = await http.inject({ method: "POST", url: "/api/session", payload: { key: ADMIN_KEY } });
  const [cookie] = opened.cookies;
  return `${cookie?.name}=${encodeURIComponent(cookie?.value ?? "")}`;
}

test("/docs shows the description without asking another host", async () => {
  const page = await get("/docs/", {});
  expect(page.statusCode).toBe(200);
  const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "");
  expect(links.length).toBeGreaterThan(2);
  expect(links.filter((link) => /^(https?:)?\/\//.test(link))).toEqual([]);
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
});

test.each([
  ["kpi?form=2026-01-01", "form"],
  ["kpi?from=2026-02-30", "from"],
  ["kpi?from=2026-03-02&to=2026-03-01", "from"],
  ["kpi?from=2020-01-01&to=2026-01-01", "from"],
  ["kpi?to=tomorrow", "to"],
  ["kpi?location_id=", "location_id"],
  ["retention?by=weekday", "by"],
  ["segments/daily?location_id=L1", "location_id"],
  ["retention/customers?counted=revenue_cents", "counted"],
  ["retention/customers?cohort=%00", "cohort"],
  ["segments/movements/customers?to_segment=UNKNOWN", "to_segment"],
  ["segments/movements/customers?to_segment=LOST&from_segment=", "from_segment"],
  ["appointments/daily?from=2026-01-01&from=2026-01-02", "from"],
])("%s is refused and names %s", async (path, parameter) => {
  const answer = await get(`/api/organizations/${salon}/${path}`);
  expect(answer.statusCode).toBe(400);
  expect(answer.headers["content-type"]).toMatch("application/problem+json");
  expect(answer.json()).toMatchObject({ code: "invalid_request", parameter });
});

test("the size of a page is described with its default, and a wrong one is told what is right", async () => {
  const limits = ["0", "201", "five", "1&limit=2"];
  for (const limit of limits) {
    const { detail } = (await get(`/api/organizations/${salon}/customers?limit=${limit}`)).json();
    expect([limit, detail]).toEqual([limit, "limit: is a whole number from 1 to 200"]);
  }
  const { paths } = (await get("/openapi.json", {})).json();
  const routes = Object.values(paths as Record<string, { get?: Described }>);
  const described = routes.flatMap(
    (route) => route.get?.parameters?.filter(({ name }) => name === "limit") ?? [],
  );
  expect(described.length).toBeGreaterThan(4);
  expect(new Set(described.map(({ description }) => description))).toEqual(
    new Set(["How many rows; 50 by default"]),
  );
});

test("what is not there answers 401 without a key, and 404 with it", async () => {
  for (const path of ["/api/nothing", "/admin/nothing", `/api/organizations/${salon}/nothing`]) {
    expect((await get(path, {})).statusCode, path).toBe(401);
    expect((await get(path)).statusCode, path).toBe(404);
  }
  expect((await get(`/api/organizations/${crypto.randomUUID()}/kpi`)).json().code).toBe(
    "organization_not_found",
  );
  expect((await get("/api/organizations/no-uuid/kpi")).json().parameter).toBe("organizationId");
});

test("a session's cookie opens what the key opens, for twelve hours, and ends with the admin key", async () => {
  const login = (key: unknown) =>
    app.http.inject({ method: "POST", url: "/api/session", payload: { key } as object });
  for (const wrong of ["", `${ADMIN_KEY}x`, 7, undefined]) expect((await login(wrong)).statusCode).toBe(401);
  const opened = await login(ADMIN_KEY);
  expect(opened.statusCode).toBe(204);
  const unknown = [
    { url: "/api/session?next=/team", payload: { key: ADMIN_KEY } },
    { url: "/api/session", payload: { key: ADMIN_KEY, next: "/team" } },
  ];
  for (const request of unknown) {
    expect((await app.http.inject({ method: "POST", ...request })).json()).toMatchObject({
      status: 400,
      parameter: "next",
    });
  }
  const [cookie] = opened.cookies;
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/", maxAge: 43_200 });
  const headers = { cookie: `${cookie?.name}=${encodeURIComponent(cookie?.value ?? "")}` };
  const kpi = `/api/organizations/${salon}/kpi`;
  expect((await get(kpi, headers)).statusCode).toBe(200);
  expect((await get(kpi, { cookie: `${cookie?.name}=9999999999.forged` })).statusCode).toBe(401);

  const post = (more: Record<string, string>) =>
    app.http.inject({ method: "DELETE", url: "/api/session", headers: { ...headers, ...more } });
  expect((await post({})).statusCode).toBe(403);
  expect((await post({ "sec-fetch-site": "cross-site" })).statusCode).toBe(403);
  expect((await post({ origin: "https://elsewhere.example" })).statusCode).toBe(403);
  expect((await post({ origin: "http://localhost:80" })).statusCode).toBe(204);
  expect((await post({ "sec-fetch-site": "same-origin" })).statusCode).toBe(204);

  const rekeyed = await openTestApp(database, {
    config: { ...testConfig, adminApiKey: "another admin key of the tests" },
  });
  expect((await rekeyed.http.inject({ url: kpi, headers })).statusCode).toBe(401);
  app.clock.advance(12 * 60 * 60_000);
  expect((await get(kpi, headers)).statusCode).toBe(401);
});

test("everything that can be read is answered as its schema says", async () => {
  const booked = bookingEvent({ customer_id: "ana" });
  for (const event of [
    customerEvent("customer.created", { id: "ana", given_name: "Ana" }),
    booked,
    paymentEvent({ customer_id: "ana" }),
    ...mergeEvents(["old ana"], "ana", "2026-05-01T10:00:00Z"),
  ]) {
    await app.deliver(event);
  }
  const { paths } = (await get("/openapi.json", {})).json();
  const values: Readonly<Record<string, string>> = {
    organizationId: salon,
    squareCustomerId: "ana",
    column: "total_visits",
    eventId: booked.event_id,
  };
  let read = 0;
  for (const [path, { get: route }] of Object.entries(paths as Record<string, { get?: Described }>)) {
    const isJson = route?.responses["200"]?.content?.["application/json"] !== undefined;
    if (!isJson || !route.security || path.startsWith("/api/cron/")) continue;
    const url = path.replaceAll(
      /\{(\w+)\}/g,
      (_, name) => values[name] ?? expect.fail(`Say what ${name} may be.`),
    );
    const answer = await get(url);
    expect([path, answer.statusCode, answer.body]).toEqual([path, 200, expect.any(String)]);
    read += 1;
  }
  expect(read).toBeGreaterThan(12);
});
