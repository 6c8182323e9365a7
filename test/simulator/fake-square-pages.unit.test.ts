import { describe, expect, test } from "vitest";
import { DAY } from "../../src/simulator/world.js";
import { END, START, serve, turbulentSalon, unfold } from "./ask-square.js";

const LIST = "GET /v2/payments";
const middle = new Date("2025-03-01T00:00:00Z");
const later = new Date("2025-03-08T00:00:00Z");

describe("cursors", () => {
  const salon = unfold(turbulentSalon(1));

  test("lead page by page through the list and end with it", async () => {
    const { square, every, ask } = await serve(salon);
    const whole = await every(LIST, "payments");
    expect(await every(LIST, "payments", { limit: 7 })).toEqual(whole);
    expect(square.counts[LIST]).toBe(Math.ceil(whole.length / 100) + Math.ceil(whole.length / 7));
    const exact = (await ask(LIST, { limit: whole.length })).body;
    expect(exact.cursor).toBeUndefined();
  });

  test("may be followed again, and with another limit", async () => {
    const { ask } = await serve(salon);
    const { cursor } = (await ask(LIST, { limit: 5 })).body;
    const again = await ask(LIST, { limit: 5, cursor });
    expect((await ask(LIST, { limit: 5, cursor })).body).toEqual(again.body);
    expect((await ask(LIST, { limit: 3, cursor })).body.payments).toEqual(again.body.payments.slice(0, 3));
  });

  test("of another query, another list, changed or made up are refused", async () => {
    const { ask } = await serve(salon);
    const { cursor } = (await ask(LIST, { limit: 5 })).body;
    const refunds = (await ask("GET /v2/refunds", { limit: 1 })).body.cursor;
    for (const given of [
      { cursor, sort_order: "ASC" },
      { cursor: refunds },
      { cursor: `${cursor}x` },
      { cursor: cursor.slice(0, -3) },
      { cursor: "garbage" },
    ]) {
      expect(await ask(LIST, given)).toMatchObject({
        status: 400,
        body: { errors: [{ category: "INVALID_REQUEST_ERROR", code: "INVALID_CURSOR", field: "cursor" }] },
      });
    }
    expect((await ask(LIST, { cursor })).status).toBe(200);
  });

  test("of a search are bound to its query in the body", async () => {
    const { ask } = await serve(salon);
    const search = "POST /v2/customers/search";
    const query = { filter: { updated_at: { start_at: START.toISOString() } } };
    const { cursor } = (await ask(search, { query, limit: 2 })).body;
    expect((await ask(search, { query, limit: 2, cursor })).status).toBe(200);
    expect((await ask(search, { limit: 2, cursor })).body.errors[0].code).toBe("INVALID_CURSOR");
  });

  test("are forgotten on command", async () => {
    const { square, ask } = await serve(salon);
    const { cursor } = (await ask(LIST, { limit: 5 })).body;
    square.forgetCursors();
    expect((await ask(LIST, { limit: 5, cursor })).body.errors[0].code).toBe("INVALID_CURSOR");
  });
});

test("what changes between two pages neither loses nor repeats a row", async () => {
  const salon = turbulentSalon(1);
  const { ask } = await serve(salon);
  unfold(salon, middle);
  const before = [...salon.truth.payments.values()].filter(
    ({ location_id }) => location_id === salon.mainLocationId,
  );
  const found = [];
  let cursor: string | undefined;
  do {
    const { body } = await ask(LIST, { limit: 9, sort_field: "UPDATED_AT", ...(cursor && { cursor }) });
    found.push(...body.payments);
    cursor = body.cursor;
    let changes = 0;
    for (const _ of salon.events()) if (++changes === 50) break;
  } while (cursor);
  expect(new Map(found.map((one) => [one.id, one]))).toEqual(new Map(before.map((one) => [one.id, one])));
  expect(found).toHaveLength(before.length);
});

describe("lists that lag behind", () => {
  /** A week of changes that lists do not show yet. */
  async function lagging() {
    const salon = turbulentSalon(2, { customers: 30 });
    const served = await serve(salon, { clock: () => later, lagMs: later.getTime() - middle.getTime() });
    unfold(salon, middle);
    const past = structuredClone(salon.truth);
    unfold(salon, later);
    return { ...served, salon, past };
  }

  test("show older versions, leave out what is new, and still hold what is gone", async () => {
    const { every, past, salon } = await lagging();
    const customers = await every("GET /v2/customers", "customers");
    const bare = customers.map(({ segment_ids: _segments, ...customer }) => customer);
    expect(new Map(bare.map((one) => [one.id, one]))).toEqual(past.customers);
    expect(past.customers).not.toEqual(salon.truth.customers);
    const gone = [...past.customers.keys()].filter((id) => !salon.truth.customers.has(id));
    expect(gone.length).toBeGreaterThan(0);
    const location_id = salon.mainLocationId;
    const payments = await every(LIST, "payments", { location_id });
    const wanted = [...past.payments.values()].filter((one) => one.location_id === location_id);
    expect(new Map(payments.map((one) => [one.id, one]))).toEqual(
      new Map(wanted.map((one) => [one.id, one])),
    );
    const window = { start_at_min: middle.toISOString(), start_at_max: "2025-04-01T00:00:00Z" };
    for (const booking of await every("GET /v2/bookings", "bookings", window)) {
      expect(booking).toEqual(past.bookings.get(booking.id));
    }
  });

  test("while retrievals by id know the present", async () => {
    const { ask, past, salon } = await lagging();
    const { truth } = salon;
    const changed = [...truth.bookings.values()].filter(
      (one) => past.bookings.has(one.id) && past.bookings.get(one.id)?.version !== one.version,
    );
    expect(changed.length).toBeGreaterThan(0);
    const booking_ids = changed.slice(0, 100).map(({ id }) => id);
    const { bookings } = (await ask("POST /v2/bookings/bulk-retrieve", { booking_ids })).body;
    for (const id of booking_ids) expect(bookings[id].booking).toEqual(truth.bookings.get(id));
    const added = [...truth.payments.values()].find(({ id }) => !past.payments.has(id));
    expect((await ask(`GET /v2/payments/${added?.id}`)).body.payment).toEqual(added);
  });

  test("catch up when the lag ends", async () => {
    const { square, every, salon } = await lagging();
    square.lagMs = 0;
    const customers = await every("GET /v2/customers", "customers");
    expect(customers.map(({ id }) => id).sort()).toEqual([...salon.truth.customers.keys()].sort());
  });

  test("the event search lags like any list", async () => {
    const salon = turbulentSalon(2);
    const { square, every } = await serve(salon, { eventsEnabled: true, lagMs: 4 * DAY });
    const events = [...salon.events()];
    const search = () => every("POST /v2/events", "events");
    const late = events.filter(({ at }) => at.getTime() > END.getTime() - 4 * DAY);
    const behind = (await search()).length;
    square.lagMs = 0;
    expect((await search()).length - behind).toBe(late.length);
    expect(late.length).toBeGreaterThan(0);
  });
});
