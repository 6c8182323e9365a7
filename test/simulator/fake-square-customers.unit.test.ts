import { describe, expect, test } from "vitest";
import type { CustomerJson } from "../../src/simulator/objects.js";
import { type Ask, END, START, serve, turbulentSalon, unfold } from "./ask-square.js";

const salon = unfold(turbulentSalon(4, { customers: 60 }));
const { truth } = salon;
const ids = (rows: Iterable<{ id: string }>): string[] => [...rows].map(({ id }) => id).sort();

/** What a customer.updated would carry. */
function asWebhook({ segment_ids: _segments, ...customer }: CustomerJson & { segment_ids?: string[] }) {
  return customer;
}

function isPublic(one: CustomerJson): boolean {
  return Boolean(
    one.given_name || one.family_name || one.company_name || one.email_address || one.phone_number,
  );
}

test("the list holds every live profile, as its webhooks told it but for the segments", async () => {
  const { every } = await serve(salon);
  const found = await every("GET /v2/customers", "customers", { limit: 10 });
  expect(new Map(found.map((one) => [one.id, asWebhook(one)]))).toEqual(truth.customers);
  expect(found).toHaveLength(truth.customers.size);
  const segments = found.filter(({ segment_ids }) => segment_ids !== undefined);
  expect(ids(segments)).toEqual(ids([...truth.customers.values()].filter((one) => one.email_address)));
});

test("a search leaves out profiles without name, company, e-mail and phone", async () => {
  const { every } = await serve(salon);
  const found = await every("POST /v2/customers/search", "customers", { limit: 7 });
  const wanted = [...truth.customers.values()].filter(isPublic);
  expect(ids(found)).toEqual(ids(wanted));
  expect(wanted.length).toBeLessThan(truth.customers.size);
});

test.each(["created_at", "updated_at"] as const)(
  "a search by %s holds the beginning, not the end",
  async (key) => {
    const { every } = await serve(salon);
    const wanted = [...truth.customers.values()].filter(isPublic);
    const instants = wanted.map((one) => one[key] ?? "").sort((a, b) => Date.parse(a) - Date.parse(b));
    const [from = "", to = ""] = [instants[5], instants[20]];
    const filter = { [key]: { start_at: from, end_at: to } };
    const found = await every("POST /v2/customers/search", "customers", { limit: 4, query: { filter } });
    const within = (instant: number) => instant >= Date.parse(from) && instant < Date.parse(to);
    expect(ids(found)).toEqual(ids(wanted.filter((one) => within(Date.parse(one[key] ?? "")))));
    expect(found.length).toBeGreaterThan(5);
  },
);

test("sorted by name, which says nothing about changes, or by creation", async () => {
  const { every } = await serve(salon);
  const names = async (given: object) =>
    (await every("GET /v2/customers", "customers", given)).map(
      (one) => `${one.given_name}${one.family_name}`,
    );
  const named = (await names({})).filter((name) => !name.includes("undefined"));
  expect(named).toEqual(named.toSorted());
  const created = async (order: "ASC" | "DESC") =>
    (
      await every("POST /v2/customers/search", "customers", {
        query: { sort: { field: "CREATED_AT", order } },
      })
    ).map(({ created_at }) => Date.parse(created_at));
  expect(await created("ASC")).toEqual((await created("ASC")).toSorted((a, b) => a - b));
  expect(await created("DESC")).toEqual((await created("ASC")).toReversed());
});

describe("by id", () => {
  const ask: Ask = async (...parameters) => (await serve(salon)).ask(...parameters);
  const bulk = async (...customer_ids: string[]) =>
    (await ask("POST /v2/customers/bulk-retrieve", { customer_ids })).body.responses;

  test("a live profile answers itself, alone and in bulk", async () => {
    const [[id = "", customer] = []] = truth.customers;
    expect(asWebhook((await bulk(id))[id].customer)).toEqual(customer);
    expect(asWebhook((await ask(`GET /v2/customers/${id}`)).body.customer)).toEqual(customer);
  });

  test("an unknown id has an error of its own", async () => {
    const [id = ""] = truth.customers.keys();
    const responses = await bulk("nobody", id);
    expect(responses.nobody).toEqual({ errors: [expect.objectContaining({ code: "NOT_FOUND" })] });
    expect(responses[id].errors).toBeUndefined();
    expect((await ask("GET /v2/customers/nobody")).status).toBe(404);
  });
});

/**
 * What every id of the past leads to, told by the salon's webhooks alone: merges point on, recoveries and plain
 * deletions end that.
 */
function destinations(seed: number) {
  const to = new Map<string, string | null>();
  const played = turbulentSalon(seed, { customers: 20, rates: { ...busyMerges } });
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

const busyMerges = { merged: 0.9, unmerged: 0.4, profileDeleted: 0.3, deletionRecovered: 0.5 };

test("a merged id leads to the last survivor, through chains, recoveries and deletions", async () => {
  const kinds = { itself: 0, survivor: 0, chain: 0, gone: 0, recovered: 0 };
  for (let seed = 1; seed <= 12; seed++) {
    const { played, wanted } = destinations(seed);
    const { ask } = await serve(played);
    const all = [...wanted.keys()];
    const found = new Map<string, string | null>();
    for (let at = 0; at < all.length; at += 100) {
      const { body } = await ask("POST /v2/customers/bulk-retrieve", {
        customer_ids: all.slice(at, at + 100),
      });
      for (const id of all.slice(at, at + 100)) found.set(id, body.responses[id].customer?.id ?? null);
    }
    expect(found, `seed ${seed}`).toEqual(wanted);
    const merged = new Map(played.truth.merges.map((one) => [one.from_customer_id, one.to_customer_id]));
    for (const [id, end] of wanted) {
      if (end === null) kinds.gone++;
      else if (end !== id) kinds[end === merged.get(id) ? "survivor" : "chain"]++;
      else kinds[merged.has(id) ? "recovered" : "itself"]++;
    }
  }
  // The seeds must have produced what this test is about.
  expect(Math.min(...Object.values(kinds)), JSON.stringify(kinds)).toBeGreaterThan(0);
});

test("at an earlier instant an id leads to where it led then", async () => {
  const played = turbulentSalon(4, { customers: 20, rates: busyMerges });
  let now = START;
  const { ask } = await serve(played, { clock: () => now });
  const after = (days: number): Date => new Date(START.getTime() + days * 86_400_000);
  unfold(played, after(40));
  const known = [...played.truth.customers.keys()];
  const look = async (instant: Date) => {
    now = instant;
    const { responses } = (await ask("POST /v2/customers/bulk-retrieve", { customer_ids: known })).body;
    return known.map((id) => responses[id].customer ?? null);
  };
  const early = await look(after(40));
  unfold(played, after(80));
  const late = await look(after(80));
  expect(late).not.toEqual(early);
  unfold(played);
  expect(await look(END)).not.toEqual(late);
  expect(await look(after(80))).toEqual(late);
  expect(await look(after(40))).toEqual(early);
});
