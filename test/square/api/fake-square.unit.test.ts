import { describe, expect, it } from "vitest";
import { DAY } from "../../../src/simulator/world.js";
import type { Page } from "../../../src/square/api/api.js";
import { pages } from "../../../src/square/api/pages.js";
import { readEnvelope } from "../../../src/square/envelope.js";
import type { JsonObject } from "../../../src/square/types.js";
import * as simulated from "../../simulator/ask-square.js";
import type { FaultKind } from "../../support/fault-plan.js";
import { clientOf, failureOf } from "./support.js";

const { START, END } = simulated;
const updated = { updatedFrom: START, updatedTo: END };

/** A salon's whole history at a fake Square that takes no other version than ours, and a client of it. */
async function openSalon(customers = 30) {
  const salon = simulated.turbulentSalon(7, { customers });
  const { square } = await simulated.serve(salon, { eventsEnabled: true, requiresVersion: "2026-09-16" });
  const events = [...salon.events()].map(({ event }) => event);
  const api = clientOf(square.url, {
    accessToken: simulated.TOKEN,
    merchantId: salon.truth.merchant.id,
    timeoutMs: 500,
  });
  return { api, square, truth: salon.truth, events };
}

/** All objects of a list, by id. */
async function all(
  fetchPage: (page: { cursor?: string }) => Promise<Page>,
  maxPages?: number,
): Promise<Map<string, JsonObject>> {
  const found = new Map<string, JsonObject>();
  const next = (cursor?: string) => fetchPage(cursor === undefined ? {} : { cursor });
  for await (const { objects } of pages(next, undefined, maxPages)) {
    for (const object of objects) found.set(String(object.id ?? object.event_id), object);
  }
  return found;
}

/** Without what only the API tells. */
function profiles(customers: Iterable<JsonObject>): JsonObject[] {
  return [...customers].map(({ segment_ids, ...profile }) => profile);
}

it("who it is and where it is", async () => {
  const { api, truth } = await openSalon(3);
  expect(await api.merchant()).toEqual(truth.merchant);
  expect(await api.tokenStatus()).toMatchObject({ merchant_id: truth.merchant.id });
  expect(await api.locations()).toEqual([...truth.locations.values()]);
  expect(await all((page) => api.teamMembers(page))).toEqual(truth.teamMembers);
});

it("all bookings, in windows of 31 days, and by id", async () => {
  const { api, truth } = await openSalon();
  const found = new Map<string, JsonObject>();
  for (let month = 0; month < 16; month++) {
    const startAtMin = new Date(START.getTime() + month * 31 * DAY);
    const startAtMax = new Date(startAtMin.getTime() + 31 * DAY);
    const some = await all((page) => api.bookings({ startAtMin, startAtMax, ...page }));
    for (const [id, booking] of some) found.set(id, booking);
  }
  expect(found).toEqual(truth.bookings);
  const ids = [...truth.bookings.keys()].slice(0, 99);
  const byId = await api.bookingsById([...ids, "nobody"]);
  expect(byId).toEqual(
    new Map<string, unknown>([...ids.map((id) => [id, truth.bookings.get(id)] as const), ["nobody", null]]),
  );
});

it("all payments, location by location, one by id, all refunds, and their orders", async () => {
  const { api, truth } = await openSalon();
  const found = new Map<string, JsonObject>();
  for (const locationId of truth.locations.keys()) {
    const some = await all((page) => api.payments({ ...updated, ...page, locationId }));
    const times = [...some.values()].map(({ updated_at }) => Date.parse(String(updated_at)));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const [id, payment] of some) found.set(id, payment);
  }
  expect(found).toEqual(truth.payments);
  expect(await all((page) => api.refunds({ ...updated, ...page }))).toEqual(truth.refunds);
  const [payment] = truth.payments.values();
  expect(await api.payment(String(payment?.id))).toEqual(payment);
  expect(await api.payment("nobody")).toBeNull();
  const orderIds = [...truth.orders.keys()].slice(0, 20);
  expect(await api.ordersById([...orderIds, "nobody"])).toEqual(orderIds.map((id) => truth.orders.get(id)));
});

it("all customers, the changed ones of them, and a merged one by its old id", async () => {
  const { api, truth } = await openSalon();
  const listed = await all((page) => api.customers(page));
  expect(new Set(profiles(listed.values()))).toEqual(new Set(truth.customers.values()));
  const updatedFrom = new Date(END.getTime() - 40 * DAY);
  const changed = await all((page) => api.customersUpdated({ updatedFrom, updatedTo: END, ...page }));
  const recent = [...listed.values()].filter(
    ({ updated_at }) => Date.parse(String(updated_at)) >= updatedFrom.getTime(),
  );
  expect(new Set(changed.values())).toEqual(new Set(recent.filter(({ given_name }) => given_name)));
  expect(changed.size).toBeGreaterThan(0);
  expect(changed.size).toBeLessThan(listed.size);

  const merge = truth.merges.find(({ to_customer_id }) => truth.customers.has(to_customer_id));
  const gone = String(merge?.from_customer_id);
  const byId = await api.customersById([gone, "nobody"]);
  expect(byId.get(gone)).toMatchObject({ id: merge?.to_customer_id });
  expect(byId.get("nobody")).toBeNull();
});

it("items and variations, deleted ones too", async () => {
  const { api, truth } = await openSalon(3);
  const found = await all((page) => api.catalog(page));
  const variations = [...truth.catalog.values()].flatMap(({ item_data }) => item_data.variations);
  expect(new Set(found.keys())).toEqual(
    new Set([...truth.catalog.keys(), ...variations.map(({ id }) => id)]),
  );
  expect((await all((page) => api.catalog({ ...page, changedAfter: END }))).size).toBe(0);
});

it("events of the last four weeks, each readable as its webhook was", async () => {
  const { api, events } = await openSalon();
  const createdFrom = new Date(END.getTime() - 27 * DAY);
  const found = await all((page) => api.events({ createdFrom, createdTo: END, ...page }));
  const sent = events.filter(({ created_at }) => Date.parse(created_at) >= createdFrom.getTime());
  const wanted = sent.map((event) => readEnvelope(event as unknown as JsonObject));
  expect(found.size).toBeGreaterThan(100);
  for (const event of wanted) {
    // Only the text of the time differs: Square's search leaves out its zone.
    const { payload: _, ...read } = readEnvelope(found.get(event.event_id) ?? null);
    const { payload: __, ...sentAs } = event;
    expect(read).toEqual(sentAs);
  }
});

describe("one fault, and the same page is there after all", () => {
  const faults: FaultKind[] = [
    "no-answer",
    "reset",
    "reset-in-body",
    "html",
    "empty-errors",
    "errors-with-200",
    "truncated",
    "empty-body",
    "wrong-shape",
    "endless-body",
  ];

  it.each(faults)("%s", async (kind) => {
    const { api, square, truth } = await openSalon(3);
    const fault = square.fail({ kind } as Parameters<typeof square.fail>[0], { on: "GET /v2/refunds" });
    expect(await all((page) => api.refunds({ ...updated, ...page }))).toEqual(truth.refunds);
    expect(fault.hits).toBe(1);
  });

  it.each([408, 500, 502, 503])("status %d", async (status) => {
    const { api, square, truth } = await openSalon(3);
    const fault = square.fail({ kind: "status", status });
    expect(await api.locations()).toEqual([...truth.locations.values()]);
    expect(fault.hits).toBe(1);
  });

  it.each(["seconds", "date"] as const)("429 with %s to wait", async (as) => {
    const { api, square, truth } = await openSalon(3);
    const fault = square.fail({ kind: "rate-limited", seconds: 3, as });
    expect(await api.locations()).toEqual([...truth.locations.values()]);
    expect(fault.hits).toBe(1);
  });
});

it("401 is not tried again", async () => {
  const { api, square } = await openSalon(3);
  square.fail({ kind: "status", status: 401 }, { times: 10 });
  expect((await failureOf(api.locations())).code).toBe("square_unauthorized");
  expect(square.requests).toHaveLength(1);
});

it("a cursor that Square forgot is told apart from a bad request", async () => {
  const { api, square, truth } = await openSalon();
  const [locationId = ""] = truth.locations.keys();
  const { cursor } = await api.payments({ ...updated, locationId });
  square.forgetCursors();
  const error = await failureOf(api.payments({ ...updated, locationId, cursor: String(cursor) }));
  expect(error.code).toBe("square_invalid_cursor");
});

describe("pages", () => {
  it("that repeat rows bring all of them", async () => {
    const { api, square, truth } = await openSalon();
    const fault = square.fail({ kind: "repeated-rows" }, { on: "GET /v2/refunds", times: 2 });
    expect(await all((page) => api.refunds({ ...updated, ...page }))).toEqual(truth.refunds);
    expect(fault.hits).toBe(2);
  });

  it.each(["same-cursor", "ever-new-cursors"] as const)("with %s end in an error", async (kind) => {
    const { api, square } = await openSalon();
    square.fail({ kind }, { on: "GET /v2/customers", times: 1_000 });
    const error = await failureOf(all((page) => api.customers(page), 8));
    expect(error.code).toBe("square_endless_paging");
    expect(square.requests.length).toBeLessThan(10);
  });
});
