import { expect, test } from "vitest";
import { startFakeSquare } from "../../src/simulator/fake-square/server.js";
import { serve, TOKEN, turbulentSalon, unfold } from "./ask-square.js";

const salon = unfold(turbulentSalon(1));
const { merchant } = salon.truth;

test("a wrong token, no token, and a token not given as Bearer are answered 401", async () => {
  const { square, ask } = await serve(salon);
  for (const authorization of ["Bearer wrong", "", TOKEN, `Basic ${TOKEN}`]) {
    expect(await ask("GET /v2/locations", {}, { authorization })).toMatchObject({
      status: 401,
      body: { errors: [{ category: "AUTHENTICATION_ERROR", code: "UNAUTHORIZED" }] },
    });
  }
  expect(square.requests.map(({ merchantId }) => merchantId)).toEqual([null, null, null, null]);
});

test("each token opens its own merchant, and nobody else's", async () => {
  const other = unfold(turbulentSalon(2));
  const { square, ask, every } = await serve(salon);
  await square.close();
  const both = await startFakeSquare({
    merchants: [
      { salon, accessToken: "first" },
      { salon: other, accessToken: "second" },
    ],
  });
  for (const [token, { truth }] of [
    ["first", salon],
    ["second", other],
  ] as const) {
    const answer = await fetch(`${both.url}/v2/merchants/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await answer.json()).toEqual({ merchant: truth.merchant });
    const [payment] = other.truth.payments.keys();
    const { status } = await fetch(`${both.url}/v2/payments/${payment}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(status).toBe(truth === other.truth ? 200 : 404);
  }
  await both.close();
  await expect(ask("GET /v2/locations")).rejects.toThrow();
  await expect(every("GET /v2/bookings", "bookings")).rejects.toThrow();
});

test("where a version is required, any other and none are refused", async () => {
  const { ask } = await serve(salon, { requiresVersion: "2026-09-16" });
  const answers = [{ "square-version": "2026-09-16" }, { "square-version": "2020-01-01" }, {}].map(
    async (headers) => (await ask("GET /v2/locations", {}, headers as Record<string, string>)).status,
  );
  expect(await Promise.all(answers)).toEqual([200, 400, 400]);
});

test("what is no endpoint, and a parameter that an endpoint does not have, are refused", async () => {
  const { ask } = await serve(salon);
  expect(await ask("GET /v2/nonsense")).toMatchObject({
    status: 404,
    body: { errors: [{ code: "NOT_FOUND" }] },
  });
  expect((await ask("DELETE /v2/bookings")).status).toBe(404);
  for (const [name, given] of [
    ["GET /v2/payments", { updated_at_begin: "2025-01-01T00:00:00Z" }],
    ["POST /v2/customers/search", { filter: {} }],
  ] as const) {
    expect(await ask(name, given)).toMatchObject({
      status: 400,
      body: { errors: [{ code: "UNKNOWN_QUERY_PARAMETER", field: Object.keys(given)[0] }] },
    });
  }
});

test.each([
  ["GET /v2/bookings", { start_at_min: "yesterday" }, "INVALID_TIME"],
  ["GET /v2/payments", { begin_time: "2025-01-01T00:00:00" }, "INVALID_TIME"],
  ["GET /v2/payments", { sort_order: "UP" }, "INVALID_ENUM_VALUE"],
  ["GET /v2/bookings", { limit: 10_001 }, "VALUE_TOO_HIGH"],
  ["GET /v2/customers", { limit: 101 }, "VALUE_TOO_HIGH"],
  ["POST /v2/customers/search", { limit: 0 }, "VALUE_TOO_LOW"],
  ["POST /v2/team-members/search", { limit: 201 }, "VALUE_TOO_HIGH"],
  ["POST /v2/events", { limit: 101 }, "VALUE_TOO_HIGH"],
  ["POST /v2/events", { limit: "many" }, "EXPECTED_INTEGER"],
  ["POST /v2/customers/bulk-retrieve", { customer_ids: [] }, "ARRAY_EMPTY"],
  ["POST /v2/bookings/bulk-retrieve", { booking_ids: "one" }, "EXPECTED_ARRAY"],
  ["POST /v2/orders/batch-retrieve", { order_ids: Array(101).fill("x") }, "ARRAY_LENGTH_TOO_LONG"],
  ["POST /v2/catalog/search", { object_types: ["IMAGE"] }, "INVALID_ENUM_VALUE"],
  ["POST /v2/customers/search", { query: [] }, "EXPECTED_OBJECT"],
])("%s with %j is refused: %s", async (name, given, code) => {
  const { ask } = await serve(salon);
  expect(await ask(name, given)).toMatchObject({ status: 400, body: { errors: [{ code }] } });
});

test("the log holds method, path, query, version, merchant and status of each request, and counts them", async () => {
  const { square, ask } = await serve(salon);
  const [payment] = salon.truth.payments.keys();
  await ask("GET /v2/payments", { limit: 1 }, { "square-version": "2026-09-16" });
  await ask(`GET /v2/payments/${payment}`);
  await ask("GET /v2/payments/nobody");
  expect(square.requests).toMatchObject([
    {
      endpoint: "GET /v2/payments",
      method: "GET",
      path: "/v2/payments",
      query: { limit: "1" },
      squareVersion: "2026-09-16",
      merchantId: merchant.id,
      status: 200,
    },
    { endpoint: "GET /v2/payments/{payment_id}", path: `/v2/payments/${payment}`, status: 200 },
    { endpoint: "GET /v2/payments/{payment_id}", status: 404 },
  ]);
  expect(square.counts).toEqual({ "GET /v2/payments": 1, "GET /v2/payments/{payment_id}": 2 });
});

test("more requests a second than the limit are answered 429 with the seconds to wait", async () => {
  let now = 10_000;
  const { ask } = await serve(salon, { rateLimit: 3, rateClock: () => now });
  const statuses = async (count: number) => {
    const answers = [];
    for (let asked = 0; asked < count; asked++) answers.push((await ask("GET /v2/locations")).status);
    return answers;
  };
  expect(await statuses(4)).toEqual([200, 200, 200, 429]);
  const refused = await ask("GET /v2/locations");
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(refused.body.errors).toMatchObject([{ category: "RATE_LIMIT_ERROR", code: "RATE_LIMITED" }]);
  now += 999;
  expect(await statuses(1)).toEqual([429]);
  now += 1;
  expect(await statuses(4)).toEqual([200, 200, 200, 429]);
});

test("a server that is closed ends its connections, waiting ones too", async () => {
  const { square, ask } = await serve(salon);
  square.fail({ kind: "no-answer" });
  const waiting = ask("GET /v2/locations").catch((error: Error) => error.message);
  await expect.poll(() => square.requests.length).toBe(1);
  await square.close();
  expect(await waiting).toBe("fetch failed");
});
