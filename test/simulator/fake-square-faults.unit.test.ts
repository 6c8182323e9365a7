import { describe, expect, test } from "vitest";
import type { Fault } from "../../src/simulator/fake-square/server.js";
import { serve, TOKEN, turbulentSalon, unfold } from "./ask-square.js";

const salon = unfold(turbulentSalon(1));
const LIST = "GET /v2/payments";

/** The bytes of an answer, however broken. */
async function raw(
  url: string,
  path = "/v2/payments",
): Promise<{ status: number; type: string; text: string }> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return { status: answer.status, type: answer.headers.get("content-type") ?? "", text: await answer.text() };
}

describe("a request meets", () => {
  test.each([
    [500, "API_ERROR", "INTERNAL_SERVER_ERROR"],
    [502, "API_ERROR", "BAD_GATEWAY"],
    [503, "API_ERROR", "SERVICE_UNAVAILABLE"],
    [401, "AUTHENTICATION_ERROR", "UNAUTHORIZED"],
    [403, "AUTHENTICATION_ERROR", "FORBIDDEN"],
    [400, "INVALID_REQUEST_ERROR", "BAD_REQUEST"],
  ])("status %i with Square's errors", async (status, category, code) => {
    const { square, ask } = await serve(salon);
    square.fail({ kind: "status", status });
    expect(await ask(LIST)).toMatchObject({ status, body: { errors: [{ category, code }] } });
    expect((await ask(LIST)).status).toBe(200);
  });

  test("429 with the seconds to wait, or the date until when", async () => {
    const { square, ask } = await serve(salon);
    square.fail({ kind: "rate-limited", seconds: 7 });
    square.fail({ kind: "rate-limited", seconds: 7, as: "date" });
    const [first, second] = [await ask(LIST), await ask(LIST)];
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "7"]);
    expect([second.status, second.headers.get("retry-after")]).toEqual([
      429,
      "Thu, 01 May 2025 00:00:07 GMT",
    ]);
    expect(second.body.errors[0].code).toBe("RATE_LIMITED");
  });

  test("no answer at all", async () => {
    const { square } = await serve(salon);
    square.fail({ kind: "no-answer" });
    const abort = new AbortController();
    const waiting = fetch(`${square.url}/v2/payments`, { signal: abort.signal }).catch(({ name }) => name);
    await expect.poll(() => square.requests.length).toBe(1);
    expect((await raw(square.url)).status).toBe(200);
    expect(square.requests[0]).toMatchObject({ fault: "no-answer", status: null });
    abort.abort();
    expect(await waiting).toBe("AbortError");
  });

  test("a reset, before the answer or in the middle of it", async () => {
    const { square } = await serve(salon);
    square.fail({ kind: "reset" });
    square.fail({ kind: "reset-in-body" });
    const failure = (error: Error) => (error.cause as { code?: string })?.code ?? error.message;
    expect(await raw(square.url).catch(failure)).toBe("ECONNRESET");
    const answer = await fetch(`${square.url}/v2/payments`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow("terminated");
  });

  test("a page of HTML with 200", async () => {
    const { square } = await serve(salon);
    square.fail({ kind: "html" });
    expect(await raw(square.url)).toMatchObject({
      status: 200,
      type: expect.stringContaining("text/html"),
      text: expect.stringContaining("<html>"),
    });
  });

  test.each<[Fault, string | RegExp]>([
    [{ kind: "empty-errors" }, '{"errors": []}'],
    [{ kind: "errors-with-200" }, /^\{"errors":\[\{"category":"API_ERROR"/],
    [{ kind: "empty-body" }, ""],
    [{ kind: "wrong-shape" }, '{"payments":"oops"}'],
  ])("%j with 200", async (fault, text) => {
    const { square } = await serve(salon);
    square.fail(fault);
    const answer = await raw(square.url);
    expect(answer.status).toBe(200);
    expect(answer.type).toContain("application/json");
    if (typeof text === "string") expect(answer.text).toBe(text);
    else expect(answer.text).toMatch(text);
  });

  test("JSON that breaks off, though its length is right", async () => {
    const { square } = await serve(salon);
    const whole = (await raw(square.url)).text;
    square.fail({ kind: "truncated" });
    const { status, text } = await raw(square.url);
    expect(status).toBe(200);
    expect(whole.startsWith(text)).toBe(true);
    expect(() => JSON.parse(text)).toThrow();
  });

  test("a body that begins and never ends", async () => {
    const { square } = await serve(salon);
    square.fail({ kind: "endless-body" });
    const answer = await fetch(`${square.url}/v2/payments`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const reader = answer.body?.getReader();
    let text = "";
    for (let chunks = 0; chunks < 4; chunks++)
      text += new TextDecoder().decode((await reader?.read())?.value);
    expect(text).toMatch(/^\{"payments":\[ +$/);
    await reader?.cancel();
  });
});

describe("pages that go wrong", () => {
  test("rows of a page come again on the next, even after the last", async () => {
    const { square, every } = await serve(salon);
    const whole = await every(LIST, "payments");
    square.fail({ kind: "repeated-rows" }, { after: 1, times: 2 });
    const found = await every(LIST, "payments", { limit: 10 });
    expect(found).toHaveLength(whole.length + 10);
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set(whole.map(({ id }) => id)));
    square.fail({ kind: "repeated-rows" }, { on: "GET /v2/refunds" });
    const refunds = await every("GET /v2/refunds", "refunds");
    expect(refunds.length).toBeGreaterThan(salon.truth.refunds.size);
  });

  test("the same cursor leads to the same page again and again", async () => {
    const { square, ask } = await serve(salon);
    square.fail({ kind: "same-cursor" }, { times: Number.POSITIVE_INFINITY });
    const first = await ask(LIST, { limit: 5 });
    const second = await ask(LIST, { limit: 5, cursor: first.body.cursor });
    const third = await ask(LIST, { limit: 5, cursor: second.body.cursor });
    expect(second.body).toEqual(first.body);
    expect(third.body).toEqual(first.body);
  });

  test("ever new cursors lead to the same rows", async () => {
    const { square, ask } = await serve(salon);
    square.fail({ kind: "ever-new-cursors" }, { times: 30 });
    const cursors = new Set<string>();
    let cursor: string | undefined;
    const pages = [];
    for (let page = 0; page < 30; page++) {
      const { body } = await ask(LIST, { limit: 5, ...(cursor && { cursor }) });
      pages.push(body.payments);
      cursor = body.cursor as string;
      cursors.add(cursor);
    }
    expect(cursors.size).toBe(30);
    for (const page of pages) expect(page).toEqual(pages[0]);
    expect((await ask(LIST, { limit: 5, cursor })).body.payments).toEqual(pages[0]);
    expect((await ask(LIST, { limit: 5, cursor })).body.cursor).not.toBe(cursor);
  });
});

describe("faults are aimed", () => {
  const status = { kind: "status", status: 500 } as const;
  const none = async (ask: () => Promise<{ status: number }>, count: number) => {
    const statuses = [];
    for (let asked = 0; asked < count; asked++) statuses.push((await ask()).status);
    return statuses;
  };

  test("at so many requests, after so many others", async () => {
    const { square, ask } = await serve(salon);
    const fault = square.fail(status, { after: 2, times: 2 });
    expect(await none(() => ask(LIST), 6)).toEqual([200, 200, 500, 500, 200, 200]);
    expect(fault.hits).toBe(2);
    expect(square.requests.map((one) => one.fault)).toEqual([
      undefined,
      undefined,
      "status",
      "status",
      undefined,
      undefined,
    ]);
  });

  test("at an endpoint, the beginning of a path, or a query", async () => {
    const { square, ask } = await serve(salon);
    square.fail(status, { on: "GET /v2/payments/{payment_id}" });
    square.fail(status, { on: "/v2/customers", times: 2 });
    square.fail(status, { on: LIST, query: { location_id: "second" } });
    expect(await none(() => ask(LIST), 2)).toEqual([200, 200]);
    expect(await none(() => ask("GET /v2/payments/one"), 2)).toEqual([500, 404]);
    expect((await ask("GET /v2/customers")).status).toBe(500);
    expect((await ask("POST /v2/customers/search")).status).toBe(500);
    expect((await ask(LIST, { location_id: "first" })).status).toBe(200);
    expect((await ask(LIST, { location_id: "second" })).status).toBe(500);
  });

  test("in the order in which they were ordered, and can be called off", async () => {
    const { square, ask } = await serve(salon);
    square.fail(status);
    square.fail({ kind: "status", status: 503 }, { times: 2 });
    const endless = square.fail({ kind: "status", status: 502 }, { times: Number.POSITIVE_INFINITY });
    expect(await none(() => ask(LIST), 5)).toEqual([500, 503, 503, 502, 502]);
    endless.cancel();
    expect(await none(() => ask(LIST), 1)).toEqual([200]);
    expect(endless.hits).toBe(2);
  });
});

test("an unharmed answer after a fault is the right one", async () => {
  const { square, ask } = await serve(salon);
  const right = (await ask(LIST)).body;
  for (const kind of ["html", "truncated", "wrong-shape", "reset-in-body"] as const) {
    square.fail({ kind });
    await ask(LIST).catch(() => {});
    expect((await ask(LIST)).body.payments).toEqual(right.payments);
  }
});
