/** Where Square surprises, the fake surprises alike. That our client reads all of it is held by test/square/api. */
import { describe, expect, test } from "vitest";
import { DAY } from "../../src/simulator/world.js";
import { END, START, serve, TOKEN, turbulentSalon, unfold } from "./ask-square.js";

const salon = unfold(turbulentSalon(1, { customers: 30 }));
const { truth } = salon;
const main = truth.merchant.main_location_id;
const inMain = [...truth.payments.values()].filter(({ location_id }) => location_id === main);
const PAYMENTS = "GET /v2/payments";
const iso = (instant: number | Date): string => new Date(instant).toISOString();
const idsOf = (rows: Iterable<{ id: string }>): string[] => [...rows].map(({ id }) => id).sort();
const times = (rows: Record<string, string>[], field: string) =>
  rows.map((one) => Date.parse(one[field] ?? ""));
const isAscending = (numbers: number[]) =>
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));

describe("the door", () => {
  test.each(["Bearer wrong", "", TOKEN, `Basic ${TOKEN}`])("%s is answered 401", async (token) => {
    const { ask } = await serve(salon);
    expect(await ask("GET /v2/locations", {}, token)).toMatchObject({
      status: 401,
      body: { errors: [{ category: "AUTHENTICATION_ERROR", code: "UNAUTHORIZED" }] },
    });
  });

  test("each token opens its own merchant, and nobody else's", async () => {
    const other = unfold(turbulentSalon(2));
    const merchants = [
      { salon, accessToken: TOKEN },
      { salon: other, accessToken: "other" },
    ];
    const { ask } = await serve(salon, { merchants });
    const [payment] = other.truth.payments.keys();
    for (const [token, own, status] of [
      [TOKEN, truth, 404],
      ["other", other.truth, 200],
    ] as const) {
      const { body } = await ask("GET /v2/merchants/me", {}, `Bearer ${token}`);
      expect(body).toEqual({ merchant: own.merchant });
      expect((await ask(`GET /v2/payments/${payment}`, {}, `Bearer ${token}`)).status).toBe(status);
    }
  });

  test.each([
    ["GET /v2/nonsense", {}, "NOT_FOUND"],
    ["DELETE /v2/bookings", {}, "NOT_FOUND"],
    [PAYMENTS, { updated_at_begin: "2025-01-01T00:00:00Z" }, "UNKNOWN_QUERY_PARAMETER"],
    ["POST /v2/customers/search", { filter: {} }, "UNKNOWN_QUERY_PARAMETER"],
    ["GET /v2/bookings", { start_at_min: "yesterday" }, "INVALID_TIME"],
    [
      "GET /v2/bookings",
      { start_at_min: iso(START), start_at_max: "2025-02-01T00:00:01Z" },
      "INVALID_TIME_RANGE",
    ],
    [PAYMENTS, { begin_time: "2025-01-01T00:00:00" }, "INVALID_TIME"],
    [PAYMENTS, { sort_order: "UP" }, "INVALID_ENUM_VALUE"],
    ["GET /v2/bookings", { limit: 10_001 }, "VALUE_TOO_HIGH"],
    ["GET /v2/customers", { limit: 101 }, "VALUE_TOO_HIGH"],
    ["POST /v2/customers/search", { limit: 0 }, "VALUE_TOO_LOW"],
    ["POST /v2/team-members/search", { limit: 201 }, "VALUE_TOO_HIGH"],
    ["POST /v2/events", { limit: "many" }, "EXPECTED_INTEGER"],
    ["POST /v2/customers/bulk-retrieve", { customer_ids: [] }, "ARRAY_EMPTY"],
    ["POST /v2/bookings/bulk-retrieve", { booking_ids: "one" }, "EXPECTED_ARRAY"],
    ["POST /v2/orders/batch-retrieve", { order_ids: Array(101).fill("x") }, "ARRAY_LENGTH_TOO_LONG"],
    ["POST /v2/catalog/search", { object_types: ["IMAGE"] }, "INVALID_ENUM_VALUE"],
    ["POST /v2/customers/search", { query: [] }, "EXPECTED_OBJECT"],
  ])("%s with %j is refused: %s", async (name, given, code) => {
    const { ask } = await serve(salon);
    const status = code === "NOT_FOUND" ? 404 : 400;
    expect(await ask(name, given)).toMatchObject({ status, body: { errors: [{ code }] } });
  });
});

describe("lists", () => {
  test("of bookings without a range hold the next 31 days only, and 31 days are not too many", async () => {
    const now = Date.parse("2025-03-01T00:00:00Z");
    const { ask, every } = await serve(salon, { clock: () => new Date(now) });
    const starts = times(await every("GET /v2/bookings", "bookings"), "start_at");
    expect(starts.length).toBeGreaterThan(0);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(now);
    expect(Math.max(...starts)).toBeLessThanOrEqual(now + 31 * DAY);
    const range = { start_at_min: iso(START), start_at_max: iso(START.getTime() + 31 * DAY) };
    expect((await ask("GET /v2/bookings", range)).status).toBe(200);
  });

  test("of payments without a location are those of the main one", async () => {
    const { every } = await serve(salon);
    expect(idsOf(await every(PAYMENTS, "payments"))).toEqual(idsOf(inMain));
    expect(inMain.length).toBeLessThan(truth.payments.size);
  });

  test.each(["payments", "refunds"] as const)(
    "of %s made more than a year ago need begin_time, even when asked for by updated_at",
    async (kind) => {
      const { every } = await serve(salon, { clock: () => new Date("2027-01-01T00:00:00Z") });
      const updated = { updated_at_begin_time: iso(START), updated_at_end_time: iso(END) };
      const list = `GET /v2/${kind}`;
      expect(await every(list, kind)).toEqual([]);
      expect(await every(list, kind, updated)).toEqual([]);
      const wanted = kind === "payments" ? inMain : truth.refunds.values();
      expect(idsOf(await every(list, kind, { ...updated, begin_time: iso(START) }))).toEqual(idsOf(wanted));
    },
  );

  test("of payments are newest first by created_at, in at most 100 rows a page, unless asked otherwise", async () => {
    const { ask, every } = await serve(unfold(turbulentSalon(2, { customers: 150 })));
    isAscending(times(await every(PAYMENTS, "payments"), "created_at").reverse());
    const order = { sort_field: "UPDATED_AT", sort_order: "ASC" };
    isAscending(times(await every(PAYMENTS, "payments", order), "updated_at"));
    expect((await ask(PAYMENTS, { limit: 1000 })).body.payments).toHaveLength(100);
  });

  test("hold the beginning of a range and not its end", async () => {
    const { every } = await serve(salon);
    const sorted = inMain.toSorted((a, b) => (a.updated_at < b.updated_at ? -1 : 1));
    const [from = "", to = ""] = [sorted[2]?.updated_at, sorted[9]?.updated_at];
    const range = { updated_at_begin_time: from, updated_at_end_time: to };
    const wanted = sorted.filter(({ updated_at }) => updated_at >= from && updated_at < to);
    expect(idsOf(await every(PAYMENTS, "payments", range))).toEqual(idsOf(wanted));
  });

  test("of customers are sorted by name, which says nothing about changes", async () => {
    const { every } = await serve(salon);
    const found = await every("GET /v2/customers", "customers", { limit: 10 });
    const names = found
      .filter((one) => one.given_name)
      .map((one) => `${one.given_name}${one.family_name ?? ""}`);
    expect(names).toEqual(names.toSorted());
    expect(found).toHaveLength(truth.customers.size);
    const order = { sort_field: "CREATED_AT", sort_order: "ASC" };
    isAscending(times(await every("GET /v2/customers", "customers", order), "created_at"));
  });

  test("leave the key out when they are empty", async () => {
    const { ask } = await serve(salon);
    const far = "2040-01-01T00:00:00Z";
    for (const [name, given] of [
      ["GET /v2/bookings", { start_at_min: far }],
      [PAYMENTS, { updated_at_begin_time: far }],
      ["GET /v2/refunds", { updated_at_begin_time: far }],
      ["POST /v2/customers/search", { query: { filter: { updated_at: { start_at: far } } } }],
      ["POST /v2/catalog/search", { begin_time: far }],
      ["POST /v2/events", {}],
      ["POST /v2/orders/batch-retrieve", { order_ids: ["nobody"] }],
    ] as const) {
      expect((await ask(name, given)).body, name).toEqual({});
    }
  });
});

test("deleted catalog objects come only where asked for", async () => {
  const played = unfold(turbulentSalon(3));
  const [item] = played.truth.catalog.values();
  if (!item) throw new Error("no item");
  played.truth.catalog.set(item.id, { ...item, is_deleted: true });
  const { every } = await serve(played);
  const count = async (given: object) =>
    (await every("POST /v2/catalog/search", "objects", { object_types: ["ITEM"], ...given })).length;
  expect(await count({})).toBe(played.truth.catalog.size - 1);
  expect(await count({ include_deleted_objects: true })).toBe(played.truth.catalog.size);
});

describe("cursors", () => {
  test("may be followed again, with another limit, and end with the list", async () => {
    const { ask, every } = await serve(salon);
    const whole = await every(PAYMENTS, "payments");
    expect(await every(PAYMENTS, "payments", { limit: 7 })).toEqual(whole);
    const { cursor } = (await ask(PAYMENTS, { limit: 5 })).body;
    expect((await ask(PAYMENTS, { limit: 5, cursor })).body.payments).toEqual(whole.slice(5, 10));
    expect((await ask(PAYMENTS, { limit: 3, cursor })).body.payments).toEqual(whole.slice(5, 8));
  });

  test("of another query, another list, changed, forgotten or made up are refused", async () => {
    const { square, ask } = await serve(salon);
    const { cursor } = (await ask(PAYMENTS, { limit: 5 })).body;
    const refunds = (await ask("GET /v2/refunds", { limit: 1 })).body.cursor;
    const refused = async (given: object) =>
      expect(await ask(PAYMENTS, given)).toMatchObject({
        status: 400,
        body: { errors: [{ category: "INVALID_REQUEST_ERROR", code: "INVALID_CURSOR", field: "cursor" }] },
      });
    await refused({ cursor, sort_order: "ASC" });
    for (const wrong of [refunds, `${cursor.slice(0, -3)}xyz`, cursor.slice(0, -3), "garbage"]) {
      await refused({ cursor: wrong });
    }
    expect((await ask(PAYMENTS, { cursor })).status).toBe(200);
    square.forgetCursors();
    await refused({ cursor });
  });

  test("neither lose nor repeat a row when the list changes between two pages", async () => {
    const living = turbulentSalon(1);
    const { ask } = await serve(living);
    unfold(living, new Date("2025-03-01T00:00:00Z"));
    const before = [...living.truth.payments.values()].filter(
      (one) => one.location_id === living.truth.merchant.main_location_id,
    );
    const found = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const { body } = await ask(PAYMENTS, { limit: 9, sort_field: "UPDATED_AT", cursor });
      found.push(...body.payments);
      cursor = body.cursor;
      let changes = 0;
      for (const _ of living.events()) if (++changes === 50) break;
    }
    expect(idsOf(found)).toEqual(idsOf(before));
  });
});

/** What every id of the past leads to, told by the salon's webhooks alone. */
function destinations(seed: number) {
  const to = new Map<string, string | null>();
  const rates = { merged: 0.9, unmerged: 0.4, profileDeleted: 0.3, deletionRecovered: 0.5 };
  const played = turbulentSalon(seed, { customers: 20, rates });
  for (const { event } of played.events()) {
    const { customer, event_context } = event.data.object ?? {};
    if (!customer) continue;
    if (event.type !== "customer.deleted") to.set(customer.id, customer.id);
    else to.set(customer.id, event_context?.merge.to_customer_id ?? null);
  }
  const last = (id: string): string | null => {
    const next = to.get(id) ?? null;
    return next === id || next === null ? next : last(next);
  };
  return { played, wanted: new Map([...to.keys()].map((id) => [id, last(id)])) };
}

test("a merged id leads to the last survivor, through chains, recoveries and deletions", async () => {
  const kinds = { itself: 0, survivor: 0, chain: 0, gone: 0, recovered: 0 };
  for (let seed = 1; seed <= 12; seed++) {
    const { played, wanted } = destinations(seed);
    const { ask } = await serve(played);
    const customer_ids = [...wanted.keys()].slice(0, 100);
    const { responses } = (await ask("POST /v2/customers/bulk-retrieve", { customer_ids })).body;
    const merged = new Map(played.truth.merges.map((one) => [one.from_customer_id, one.to_customer_id]));
    for (const id of customer_ids) {
      const end = wanted.get(id) ?? null;
      expect(responses[id].customer?.id ?? null, `seed ${seed}`).toBe(end);
      if (end === null) kinds.gone++;
      else if (end !== id) kinds[end === merged.get(id) ? "survivor" : "chain"]++;
      else kinds[merged.has(id) ? "recovered" : "itself"]++;
    }
  }
  // The seeds must have produced what this test is about.
  expect(Math.min(...Object.values(kinds)), JSON.stringify(kinds)).toBeGreaterThan(0);
});

test("events are found where they are kept, at most 28 days back, without the zone of their time", async () => {
  const living = turbulentSalon(1);
  const { every } = await serve(living, { eventsEnabled: true });
  const events = [...living.events()].map(({ event }) => event);
  const created_at = { start_at: iso(START), end_at: iso(END) };
  const found = await every("POST /v2/events", "events", { query: { filter: { created_at } } });
  const reach = END.getTime() - 28 * DAY;
  const wanted = events.filter(
    (one) => Date.parse(one.created_at) >= reach && Date.parse(one.created_at) < +END,
  );
  const byId = (rows: { event_id: string }[]) => new Map(rows.map((one) => [one.event_id, one]));
  expect(byId(found.map((one) => ({ ...one, created_at: `${one.created_at}Z` })))).toEqual(byId(wanted));
  expect(found.length).toBeLessThan(events.length);
});

test("lists that lag show the past until they catch up, while retrievals by id know the present", async () => {
  const [middle, later] = [new Date("2025-03-01T00:00:00Z"), new Date("2025-03-08T00:00:00Z")];
  const living = turbulentSalon(2, { customers: 30 });
  const { square, ask, every } = await serve(living, { clock: () => later, eventsEnabled: true });
  square.lagMs = later.getTime() - middle.getTime();
  const early = [...living.events(middle)];
  const past = structuredClone(living.truth);
  unfold(living, later);
  expect(idsOf(await every("GET /v2/customers", "customers"))).toEqual(idsOf(past.customers.values()));
  expect([...past.customers.keys()].some((id) => !living.truth.customers.has(id))).toBe(true);
  const window = { start_at_min: iso(middle), start_at_max: iso(+middle + 31 * DAY) };
  for (const booking of await every("GET /v2/bookings", "bookings", window)) {
    expect(booking).toEqual(past.bookings.get(booking.id));
  }
  const reach = later.getTime() - 28 * DAY;
  const kept = early.filter(({ event }) => Date.parse(event.created_at) >= reach);
  expect(await every("POST /v2/events", "events")).toHaveLength(kept.length);
  const changed = [...living.truth.bookings.values()].filter(
    (one) => (past.bookings.get(one.id)?.version ?? one.version) !== one.version,
  );
  const { bookings } = (
    await ask("POST /v2/bookings/bulk-retrieve", { booking_ids: changed.map(({ id }) => id) })
  ).body;
  for (const one of changed) expect(bookings[one.id].booking).toEqual(one);
  expect(changed.length).toBeGreaterThan(0);
  square.lagMs = 0;
  expect(idsOf(await every("GET /v2/customers", "customers"))).toEqual(
    idsOf(living.truth.customers.values()),
  );
});
