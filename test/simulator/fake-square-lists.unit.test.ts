import { describe, expect, test } from "vitest";
import { DAY } from "../../src/simulator/world.js";
import { END, START, serve, turbulentSalon, unfold } from "./ask-square.js";

const salon = unfold(turbulentSalon(1, { customers: 30 }));
const { truth } = salon;
const main = truth.merchant.main_location_id;
const iso = (instant: number | Date): string => new Date(instant).toISOString();
const ids = (rows: { id: string }[]): string[] => rows.map(({ id }) => id);
const idSet = (rows: Iterable<{ id: string }>): string[] => ids([...rows]).sort();

/** Windows of 31 days over the whole history and the bookings ahead. */
const windows = Array.from({ length: 16 }, (_, index) => {
  const from = START.getTime() + index * 31 * DAY;
  return { start_at_min: iso(from), start_at_max: iso(from + 31 * DAY) };
});

describe("bookings", () => {
  test("in windows of 31 days, all of them, as their webhooks told them", async () => {
    const { every } = await serve(salon);
    const found = new Map<string, unknown>();
    for (const window of windows) {
      const rows = await every("GET /v2/bookings", "bookings", { ...window, limit: 7 });
      for (const booking of rows) found.set(booking.id, booking);
    }
    expect(found).toEqual(truth.bookings);
  });

  test("without a range only those of the next 31 days: no history", async () => {
    const { every } = await serve(salon, { clock: () => new Date("2025-03-01T00:00:00Z") });
    const starts = (await every("GET /v2/bookings", "bookings")).map(({ start_at }) => Date.parse(start_at));
    expect(starts.length).toBeGreaterThan(0);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(Date.parse("2025-03-01"));
    expect(Math.max(...starts)).toBeLessThanOrEqual(Date.parse("2025-03-01") + 31 * DAY);
  });

  test("a range of more than 31 days is refused, one of exactly 31 is not", async () => {
    const { ask } = await serve(salon);
    const range = (days: number) => ({
      start_at_min: iso(START),
      start_at_max: iso(START.getTime() + days * DAY),
    });
    expect((await ask("GET /v2/bookings", range(31))).status).toBe(200);
    expect(await ask("GET /v2/bookings", range(31.1))).toMatchObject({
      status: 400,
      body: { errors: [{ category: "INVALID_REQUEST_ERROR", field: "start_at_max" }] },
    });
  });

  test("of one location, customer or team member", async () => {
    const { every } = await serve(salon);
    const window = { start_at_min: iso(START), start_at_max: iso(START.getTime() + 31 * DAY) };
    const all = await every("GET /v2/bookings", "bookings", window);
    const one = all.find(({ customer_id, appointment_segments }) => customer_id && appointment_segments[0]);
    const staff = one.appointment_segments[0].team_member_id;
    const { customer_id, location_id } = one;
    for (const [filter, wanted] of [
      [{ customer_id }, (b: typeof one) => b.customer_id === customer_id],
      [{ location_id }, (b: typeof one) => b.location_id === location_id],
      [
        { team_member_id: staff },
        (b: typeof one) =>
          b.appointment_segments.some((s: { team_member_id: string }) => s.team_member_id === staff),
      ],
    ] as const) {
      const found = await every("GET /v2/bookings", "bookings", { ...window, ...filter });
      expect(found).toEqual(all.filter(wanted));
      expect(found.length).toBeLessThan(all.length);
    }
  });

  test("by id, unknown ones with an error of their own", async () => {
    const { ask } = await serve(salon);
    const [booking] = truth.bookings.values();
    const bulk = await ask("POST /v2/bookings/bulk-retrieve", { booking_ids: [booking?.id, "nobody"] });
    expect(bulk.body).toEqual({
      bookings: {
        [booking?.id ?? ""]: { booking, errors: [] },
        nobody: { errors: [expect.objectContaining({ code: "NOT_FOUND" })] },
      },
      errors: [],
    });
    expect((await ask(`GET /v2/bookings/${booking?.id}`)).body.booking).toEqual(booking);
    expect((await ask("GET /v2/bookings/nobody")).status).toBe(404);
  });
});

describe("payments and refunds", () => {
  test("without a location, payments are those of the main one only", async () => {
    const { every } = await serve(salon);
    const found = await every("GET /v2/payments", "payments");
    const wanted = [...truth.payments.values()].filter(({ location_id }) => location_id === main);
    expect(idSet(found)).toEqual(idSet(wanted));
    expect(wanted.length).toBeLessThan(truth.payments.size);
  });

  test("location by location all payments, and all refunds at once", async () => {
    const { every } = await serve(salon);
    const payments = [];
    for (const location_id of truth.locations.keys()) {
      payments.push(...(await every("GET /v2/payments", "payments", { location_id, limit: 9 })));
    }
    expect(new Map(payments.map((payment) => [payment.id, payment]))).toEqual(truth.payments);
    const refunds = await every("GET /v2/refunds", "refunds", { limit: 3 });
    expect(new Map(refunds.map((refund) => [refund.id, refund]))).toEqual(truth.refunds);
    expect(refunds.length).toBeGreaterThan(3);
  });

  test.each(["payments", "refunds"] as const)(
    "%s made more than a year ago need begin_time, even when asked for by updated_at",
    async (kind) => {
      const { every } = await serve(salon, { clock: () => new Date("2027-01-01T00:00:00Z") });
      const updated = { updated_at_begin_time: iso(START), updated_at_end_time: iso(END) };
      const name = `GET /v2/${kind}`;
      expect(await every(name, kind)).toEqual([]);
      expect(await every(name, kind, updated)).toEqual([]);
      const found = await every(name, kind, { ...updated, begin_time: iso(START), location_id: main });
      const wanted = [...truth[kind].values()].filter(({ location_id }) => location_id === main);
      expect(idSet(found)).toEqual(idSet(wanted));
    },
  );

  test("newest first by created_at unless another order is asked for", async () => {
    const { every } = await serve(salon);
    const order = async (query: object, field: "created_at" | "updated_at") =>
      (await every("GET /v2/payments", "payments", query)).map((one) => Date.parse(one[field]));
    const newest = await order({}, "created_at");
    expect(newest).toEqual(newest.toSorted((a, b) => b - a));
    const oldest = await order({ sort_field: "UPDATED_AT", sort_order: "ASC" }, "updated_at");
    expect(oldest).toEqual(oldest.toSorted((a, b) => a - b));
    expect(await order({ sort_field: "UPDATED_AT" }, "created_at")).not.toEqual(newest);
  });

  test("a range holds its beginning and not its end", async () => {
    const { every } = await serve(salon);
    const sorted = await every("GET /v2/payments", "payments", {
      sort_field: "UPDATED_AT",
      sort_order: "ASC",
    });
    const instants = [...new Set(sorted.map(({ updated_at }) => updated_at))];
    const [from, to] = [instants[2], instants[9]];
    const found = await every("GET /v2/payments", "payments", {
      updated_at_begin_time: from,
      updated_at_end_time: to,
    });
    const wanted = sorted.filter(({ updated_at }) => updated_at >= from && updated_at < to);
    expect(idSet(found)).toEqual(idSet(wanted));
  });

  test("a limit over 100 is 100", async () => {
    const { ask } = await serve(unfold(turbulentSalon(2, { customers: 150 })));
    expect((await ask("GET /v2/payments", { limit: 1000 })).body.payments).toHaveLength(100);
  });

  test("by id", async () => {
    const { ask } = await serve(salon);
    const [payment] = truth.payments.values();
    const [refund] = truth.refunds.values();
    expect((await ask(`GET /v2/payments/${payment?.id}`)).body).toEqual({ payment });
    expect((await ask(`GET /v2/refunds/${refund?.id}`)).body).toEqual({ refund });
    expect((await ask("GET /v2/payments/nobody")).status).toBe(404);
    expect((await ask("GET /v2/refunds/nobody")).status).toBe(404);
  });
});

test("an empty list leaves the key out", async () => {
  const { ask } = await serve(salon);
  const future = { start_at_min: "2040-01-01T00:00:00Z" };
  const late = { updated_at_begin_time: "2040-01-01T00:00:00Z" };
  const updated_at = { start_at: "2040-01-01T00:00:00Z" };
  expect((await ask("GET /v2/bookings", future)).body).toEqual({});
  expect((await ask("GET /v2/payments", late)).body).toEqual({});
  expect((await ask("GET /v2/refunds", late)).body).toEqual({});
  expect((await ask("POST /v2/customers/search", { query: { filter: { updated_at } } })).body).toEqual({});
  expect((await ask("POST /v2/catalog/search", { begin_time: "2040-01-01T00:00:00Z" })).body).toEqual({});
  expect((await ask("POST /v2/events")).body).toEqual({});
  expect((await ask("POST /v2/orders/batch-retrieve", { order_ids: ["nobody"] })).body).toEqual({});
});
