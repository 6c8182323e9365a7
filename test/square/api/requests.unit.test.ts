import { describe, expect, it, onTestFinished } from "vitest";
import { MAX_IDS } from "../../../src/square/api/api.js";
import { buildRequest } from "../../../src/square/api/sdk.js";
import { clientOf, everyCall, json, type Seen, serverThat, TOKEN } from "./support.js";

/** What one call puts on the wire. */
async function onTheWire(name: string, cursor?: string): Promise<Seen> {
  const one = everyCall.find((candidate) => candidate.name === name);
  if (!one) throw new Error(`There is no method ${name}`);
  const { url, seen } = await serverThat(json(one.answer));
  await one.call(clientOf(url), cursor);
  expect(seen).toHaveLength(1);
  return seen[0] as Seen;
}

function queryOf({ query }: Seen): Record<string, string> {
  return Object.fromEntries(query);
}

describe("every request", () => {
  it.each(everyCall)(
    "$name is $request, with the token and the pinned version",
    async ({ name, request }) => {
      const { method, path, headers } = await onTheWire(name);
      expect(`${method} ${path}`).toBe(request);
      expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
      expect(headers["square-version"]).toBe("2026-09-16");
    },
  );

  it.each(everyCall.filter(({ list }) => list))("$name passes the cursor on as it is", async ({ name }) => {
    const cursor = "a+b/c=&d";
    const { query, body } = await onTheWire(name, cursor);
    expect(query.get("cursor") ?? JSON.parse(body).cursor).toBe(cursor);
  });

  it("names our version, whatever the SDK would", async () => {
    const access = { accessToken: TOKEN, baseUrl: "http://127.0.0.1:1" };
    const { headers } = await buildRequest(access, (square) =>
      square.locations.list({ headers: { "Square-Version": "2019-01-01" } }),
    );
    expect(headers.get("square-version")).toBe("2026-09-16");
  });

  it("carries the seller's token, not the one the SDK finds in the environment", async () => {
    const before = process.env.SQUARE_TOKEN;
    onTestFinished(() => {
      if (before === undefined) delete process.env.SQUARE_TOKEN;
      else process.env.SQUARE_TOKEN = before;
    });
    process.env.SQUARE_TOKEN = "token-of-somebody-else";
    expect((await onTheWire("locations")).headers.authorization).toBe(`Bearer ${TOKEN}`);
  });
});

describe("without these parameters Square would answer less than all", () => {
  it("bookings name both ends of the window, or Square would begin now", async () => {
    expect(queryOf(await onTheWire("bookings"))).toEqual({
      start_at_min: "2026-03-01T00:00:00.000Z",
      start_at_max: "2026-03-20T10:30:00.250Z",
      limit: "500",
    });
  });

  it("payments name the location, or Square would answer the main one only; and a begin, or it would leave out what is over a year old", async () => {
    expect(queryOf(await onTheWire("payments"))).toEqual({
      location_id: "L",
      begin_time: "2009-01-01T00:00:00Z",
      updated_at_begin_time: "2026-03-01T00:00:00.000Z",
      updated_at_end_time: "2026-03-20T10:30:00.250Z",
      sort_field: "UPDATED_AT",
      sort_order: "ASC",
      limit: "100",
    });
  });

  it("refunds name a begin, and no location, so that all are meant", async () => {
    expect(queryOf(await onTheWire("refunds"))).toEqual({
      begin_time: "2009-01-01T00:00:00Z",
      updated_at_begin_time: "2026-03-01T00:00:00.000Z",
      updated_at_end_time: "2026-03-20T10:30:00.250Z",
      sort_field: "UPDATED_AT",
      sort_order: "ASC",
      limit: "100",
    });
  });

  it("the catalog includes deleted objects and variations", async () => {
    expect(JSON.parse((await onTheWire("catalog")).body)).toEqual({
      object_types: ["ITEM", "ITEM_VARIATION"],
      include_deleted_objects: true,
      include_related_objects: false,
      begin_time: "2026-03-01T00:00:00.000Z",
      limit: 1000,
    });
  });

  it("team members are asked for in every status", async () => {
    expect(JSON.parse((await onTheWire("teamMembers")).body)).toEqual({ limit: 200 });
  });

  it("events come oldest first", async () => {
    expect(JSON.parse((await onTheWire("events")).body)).toEqual({
      query: {
        filter: { created_at: { start_at: "2026-03-01T00:00:00.000Z", end_at: "2026-03-20T10:30:00.250Z" } },
        sort: { field: "DEFAULT", order: "ASC" },
      },
      limit: 100,
    });
  });
});

it("a search of customers writes its limit as a number, though the SDK wants a bigint", async () => {
  const { body } = await onTheWire("customersUpdated");
  expect(body).toContain('"limit":100');
  expect(JSON.parse(body).query.filter).toEqual({
    updated_at: { start_at: "2026-03-01T00:00:00.000Z", end_at: "2026-03-20T10:30:00.250Z" },
  });
});

it("customers are listed in the order of their creation, which no edit changes", async () => {
  expect(queryOf(await onTheWire("customers"))).toEqual({
    sort_field: "CREATED_AT",
    sort_order: "ASC",
    limit: "100",
  });
});

describe("what can never be right is refused before anything is sent", () => {
  const tooMany = Array.from({ length: MAX_IDS + 1 }, (_, index) => `id-${index}`);

  it.each(["bookingsById", "customersById", "ordersById"] as const)(
    "%s of more than 100 ids",
    async (name) => {
      const { url, seen } = await serverThat(json({}));
      await expect(clientOf(url)[name](tooMany)).rejects.toThrow(RangeError);
      expect(seen).toEqual([]);
    },
  );

  it("bookings of more than 31 days", async () => {
    const { url, seen } = await serverThat(json({}));
    const startAtMin = new Date("2026-03-01T00:00:00Z");
    const startAtMax = new Date("2026-04-01T00:00:00.001Z");
    await expect(clientOf(url).bookings({ startAtMin, startAtMax })).rejects.toThrow(RangeError);
    expect(seen).toEqual([]);
  });

  it.each(["", ".", ".."])("a payment whose id %j would name another path", async (id) => {
    const { url, seen } = await serverThat(json({ payments: [] }));
    await expect(clientOf(url).payment(id)).rejects.toThrow(RangeError);
    expect(seen).toEqual([]);
  });

  it("no ids need no request", async () => {
    const { url, seen } = await serverThat(json({}));
    const api = clientOf(url);
    expect([await api.bookingsById([]), await api.customersById([]), await api.ordersById([])]).toEqual([
      new Map(),
      new Map(),
      [],
    ]);
    expect(seen).toEqual([]);
  });
});

it("an id with a slash stays one part of the path", async () => {
  const { url, seen } = await serverThat(json({ payment: { id: "a/b?c" } }));
  await clientOf(url).payment("a/b?c");
  expect(seen[0]?.path).toBe("/v2/payments/a%2Fb%3Fc");
});
