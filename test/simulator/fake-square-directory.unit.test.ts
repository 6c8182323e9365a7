import { expect, test } from "vitest";
import { START, serve, turbulentSalon, unfold } from "./ask-square.js";

const salon = unfold(
  turbulentSalon(3, { rates: { orderEvents: 1, catalogChangesPerYear: 60, teamChangesPerYear: 4 } }),
);
const { truth } = salon;

test("the merchant, as oneself and by id", async () => {
  const { ask } = await serve(salon);
  for (const id of ["me", truth.merchant.id]) {
    expect((await ask(`GET /v2/merchants/${id}`)).body).toEqual({ merchant: truth.merchant });
  }
  expect((await ask("GET /v2/merchants/MLOTHER")).status).toBe(404);
});

test("the token's merchant and scopes; only a token of OAuth expires", async () => {
  const personal = await serve(salon);
  const { body } = await personal.ask("POST /oauth2/token/status");
  expect(body).toMatchObject({ merchant_id: truth.merchant.id, client_id: expect.any(String) });
  expect(body.scopes).toContain("APPOINTMENTS_ALL_READ");
  expect(body.expires_at).toBeUndefined();
  const oauth = await serve(salon, { merchant: { oauth: true, scopes: ["PAYMENTS_READ"] } });
  expect((await oauth.ask("POST /oauth2/token/status")).body).toMatchObject({
    scopes: ["PAYMENTS_READ"],
    expires_at: "2025-05-31T00:00:00.000Z",
  });
});

test("all locations, and one of them by id", async () => {
  const { ask } = await serve(salon);
  const locations = [...truth.locations.values()];
  expect((await ask("GET /v2/locations")).body).toEqual({ locations });
  for (const location of locations) {
    expect((await ask(`GET /v2/locations/${location.id}`)).body).toEqual({ location });
  }
  const { location } = (await ask("GET /v2/locations/main")).body;
  expect(location.id).toBe(truth.merchant.main_location_id);
  expect((await ask("GET /v2/locations/nowhere")).status).toBe(404);
});

test("the team, those who left too unless another status is asked for", async () => {
  const { every } = await serve(salon);
  const all = [...truth.teamMembers.values()];
  expect(await every("POST /v2/team-members/search", "team_members", { limit: 3 })).toEqual(all);
  const of = (filter: object) => every("POST /v2/team-members/search", "team_members", { query: { filter } });
  const gone = await of({ status: "INACTIVE" });
  expect(gone).toEqual(all.filter(({ status }) => status === "INACTIVE"));
  expect(gone.length).toBeGreaterThan(0);
  expect(await of({ is_owner: true })).toEqual(all.filter((one) => one.is_owner));
  const [, second = ""] = truth.locations.keys();
  const there = await of({ location_ids: [second] });
  expect(there.length).toBeLessThan(all.length);
  for (const { assigned_locations: assigned } of there) {
    if (assigned.assignment_type === "EXPLICIT_LOCATIONS") expect(assigned.location_ids).toContain(second);
  }
});

const both = { object_types: ["ITEM", "ITEM_VARIATION"] };

test("the catalog: items with their variations, and variations by themselves where asked for", async () => {
  const { ask, every } = await serve(salon);
  const items = [...truth.catalog.values()];
  const variations = items.flatMap(({ item_data }) => item_data.variations);
  const search = "POST /v2/catalog/search";
  expect(await every(search, "objects", { limit: 2 })).toEqual(items);
  expect(await every(search, "objects", { object_types: ["ITEM_VARIATION"], limit: 3 })).toEqual(variations);
  const found = await every(search, "objects", { ...both, limit: 4 });
  expect(found).toHaveLength(items.length + variations.length);
  expect(found).toEqual(expect.arrayContaining([...items, ...variations]));
  const one = { object_types: ["ITEM_VARIATION"], limit: 1, include_related_objects: true };
  const { body } = await ask(search, one);
  expect(body.related_objects).toEqual([truth.catalog.get(body.objects[0].item_variation_data.item_id)]);
});

test("what changed in the catalog after an instant, which itself is left out", async () => {
  const { every } = await serve(salon);
  const items = [...truth.catalog.values()];
  const changed = items.map(({ updated_at }) => updated_at).sort();
  const begin_time = changed.at(-2) as string;
  expect(begin_time > START.toISOString()).toBe(true);
  const found = await every("POST /v2/catalog/search", "objects", { ...both, begin_time });
  expect(found.map(({ updated_at }) => updated_at)).toEqual([changed.at(-1), changed.at(-1)]);
});

test("deleted catalog objects only where asked for", async () => {
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

test("orders by id; unknown ones are left out", async () => {
  const { ask } = await serve(salon);
  const orders = [...truth.orders.values()].slice(0, 5);
  const order_ids = [...orders.map(({ id }) => id), "nobody"];
  expect((await ask("POST /v2/orders/batch-retrieve", { order_ids })).body).toEqual({ orders });
  expect(orders[0]?.tenders?.[0]?.payment_id).toBeDefined();
});
