import { beforeEach, expect, test, vi } from "vitest";
import { recomputeLocked } from "../../src/analytics/refresh.js";
import { inTransaction } from "../../src/database/transaction.js";
import { writeLocations } from "../../src/facts/locations-and-services.js";
import { FetchWorker } from "../../src/pull/fetch-worker.js";
import { syncOrganizationProfile } from "../../src/pull/organization-profile.js";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { sweep } from "../../src/sweep/sweep.js";
import { openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import { connectSalon, openSquareWorld } from "../support/square.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

const options = { seed: "fetched", customers: 6 };

/** A part of a server: an inbox that notifies a worker of marked objects. */
async function serve(withToken = true) {
  const world = await openSquareWorld(database, options);
  const events = [...world.salon.events()].map(({ event }) => event);
  const id = await connectSalon(database, world);
  if (!withToken) await database.pool.query("update organizations set access_token_ciphertext = null");
  const worker = new FetchWorker(world.context, 0);
  const inbox = openInbox(database);
  inbox.onFetchesMarked((marked) => worker.schedule(marked));
  const take = async (...types: SquareEventJson["type"][]) => {
    for (const event of events) if (types.includes(event.type)) await inbox.receive(received(event));
  };
  const pending = async () => (await tablesOf(database, id)).pending_fetches ?? [];
  return { ...world, id, worker, take, pending };
}

test("a location event fetches the location and recomputes its customers' local hours", async () => {
  const { id, take, pending, salon, clock } = await serve();
  await take("booking.created", "booking.updated");
  const before = (await tablesOf(database, id)).locations ?? [];
  expect(before.map((location) => location.is_placeholder)).toContain(true);
  await take("location.created");
  await vi.waitUntil(async () => (await pending()).length === 0, { timeout: 60_000 });
  const { locations = [], customer_analytics = [] } = await tablesOf(database, id);
  expect(locations.map(({ name, time_zone }) => [name, time_zone]).sort()).toEqual(
    salon.locations.map(({ name, timezone }) => [name, timezone]).sort(),
  );
  const ids = customer_analytics.map((row) => String(row.square_customer_id));
  const { written } = await recomputeLocked(database.pool, id, ids, clock.read());
  expect(written, "every row follows the location's own zone already").toEqual([]);
});

test("a catalog event fetches the services with their items' names, in minutes and minor units", async () => {
  const { id, take, pending, salon } = await serve();
  await take("catalog.version.updated");
  await vi.waitUntil(async () => (await pending()).length === 0, { timeout: 60_000 });
  const { service_variations = [] } = await tablesOf(database, id);
  const services = [...salon.truth.catalog.values()].flatMap(({ item_data }) => item_data.variations);
  expect(service_variations).toHaveLength(services.length);
  const [service] = services;
  const data = service?.item_variation_data;
  expect(service_variations).toContainEqual(
    expect.objectContaining({
      square_variation_id: service?.id,
      name: data?.name,
      item_name: salon.truth.catalog.get(data?.item_id ?? "")?.item_data.name,
      duration_minutes: (data?.service_duration ?? 0) / 60_000,
      price_cents: data?.price_money.amount,
    }),
  );
});

test("an order event fetches the order's payment if it was missed", async () => {
  const { id, take, pending, salon } = await serve();
  await take("order.created", "order.updated");
  await vi.waitUntil(async () => (await pending()).length === 0, { timeout: 60_000 });
  const { payments = [] } = await tablesOf(database, id);
  const paid = [...salon.truth.orders.values()].flatMap(({ tenders = [] }) =>
    tenders.map((t) => t.payment_id),
  );
  expect(payments.map((payment) => payment.payment_id).sort()).toEqual(
    [...new Set(paid)].filter((payment) => salon.truth.payments.has(payment)).sort(),
  );
  expect(payments.length).toBeGreaterThan(0);
});

test("without a token the mark stays, and Square gets no request", async () => {
  const { take, pending, worker, square } = await serve(false);
  await take("location.created");
  await worker.idle();
  expect(await pending()).not.toEqual([]);
  expect(square.requests).toEqual([]);
});

test("an object that cannot be fetched stays marked for the next sweep", async () => {
  const { take, pending, worker, square } = await serve();
  square.fail({ kind: "html" }, { on: "GET /v2/locations", times: 10 });
  await take("location.created");
  await vi.waitUntil(() => square.requests.length >= 3, { timeout: 60_000 });
  await worker.stop();
  expect((await pending()).map((mark) => mark.object_type)).toContain("location");
});

test("an organization's name, currency, locations and time zone come from Square", async () => {
  const world = await openSquareWorld(database, options);
  const id = await connectSalon(database, world);
  const introduced = await syncOrganizationProfile(world.context, id);
  expect(introduced).toMatchObject({ locations: 2, missingScopes: [] });
  const { organizations = [], locations = [] } = await tablesOf(database, id);
  expect(organizations[0]).toMatchObject({
    name: world.salon.truth.merchant.business_name,
    currency: "USD",
    time_zone: world.salon.locations.find(({ id }) => id === world.salon.truth.merchant.main_location_id)
      ?.timezone,
  });
  expect(locations).toHaveLength(2);
});

test("with another merchant's token nothing is stored", async () => {
  const world = await openSquareWorld(database, options);
  const id = await connectSalon(database, world);
  const other = await openSquareWorld(database, { ...options, merchantId: "MLOTHER" });
  const context = { ...world.context, openApi: other.context.openApi };
  await expect(syncOrganizationProfile(context, id)).rejects.toMatchObject({ code: "wrong_merchant" });
  expect((await tablesOf(database, id)).locations ?? []).toEqual([]);
});

test("after a kill between a location's new time zone and its customers' rows, the sweep corrects the rows without drift", async () => {
  const { id, take, salon, context, clock } = await serve();
  await take("booking.created", "booking.updated");
  expect(await sweep(context, "recent")).toMatchObject({ success: true });
  const moved = salon.locations.map(({ id: square_location_id }) => ({
    square_location_id,
    name: "Moved",
    time_zone: "Asia/Tokyo",
    currency: "USD",
    status: "ACTIVE",
  }));
  for (const { id: locationId, ...location } of salon.locations) {
    salon.truth.locations.set(locationId, {
      ...location,
      id: locationId,
      name: "Moved",
      timezone: "Asia/Tokyo",
    });
  }
  // The process ends here.
  await inTransaction(database.pool, (tx) => writeLocations(tx, id, moved));
  clock.advance(1_000);
  const report = await sweep(context, "recent");
  expect(report).toMatchObject({ success: true, drifted: 0, drift: [] });
  const { customer_analytics = [] } = await tablesOf(database, id);
  const ids = customer_analytics.map((row) => String(row.square_customer_id));
  const { written } = await recomputeLocked(database.pool, id, ids, clock.read());
  expect(written).toEqual([]);
});
