import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { handledEventTypes, handlerFor } from "../../handlers/registry.js";
import { localTime } from "../../src/simulator/local-time.js";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { type SalonOptions, simulateSalon } from "../../src/simulator/salon.js";
import { received } from "../support/events.js";
import { turbulence } from "../support/turbulence.js";

const year: SalonOptions = {
  seed: 1,
  start: new Date("2025-01-01T00:00:00Z"),
  end: new Date("2026-01-01T00:00:00Z"),
  customers: 90,
};

function turbulent(seed: number): SalonOptions {
  const end = new Date("2025-05-01T00:00:00Z");
  return { ...turbulence, seed, start: year.start, end, customers: 3 + (seed % 6) };
}

function unfold(options: SalonOptions) {
  const salon = simulateSalon(options);
  const stream = [...salon.events()];
  return { salon, events: stream.map(({ event }) => event), times: stream.map(({ at }) => at.getTime()) };
}

const digest = (events: SquareEventJson[]) =>
  createHash("sha256").update(JSON.stringify(events)).digest("hex");

describe("determinism", () => {
  test("the same seed gives the same bytes on every day and machine, another seed others", () => {
    const small = { ...year, customers: 20 };
    expect(digest(unfold(small).events)).toMatchInlineSnapshot(
      `"1b3c22ccc587237cf3c9b700d7fcd61a8229c6e5b0bc214912a64c606d1c1fb3"`,
    );
    expect(digest(unfold({ ...small, seed: 2 }).events)).not.toBe(digest(unfold(small).events));
  });

  test("taking the history in pieces changes nothing, even when a consumer stops in the middle", () => {
    const salon = simulateSalon(turbulent(3));
    const pieces: SquareEventJson[] = [];
    for (const until of [new Date("2025-02-01T00:00:00Z"), undefined]) {
      for (let before = -1; pieces.length > before; ) {
        before = pieces.length;
        for (const { at, event } of salon.events(until)) {
          if (until) expect(at < until).toBe(true);
          pieces.push(event);
          if (pieces.length % 3 === 0) break;
        }
      }
    }
    expect(digest(pieces)).toBe(digest(unfold(turbulent(3)).events));
  });

  test.each([
    ["an end before the start", { end: year.start }],
    ["half a customer", { customers: 0.5 }],
    ["no location", { locations: 0 }],
    ["fewer team members than locations", { staff: 1 }],
  ])("refuses %s", (_, wrong) => {
    expect(() => simulateSalon({ ...year, ...wrong })).toThrow(RangeError);
  });
});

test("an ordinary salon sends every handled event type, in the order of time, each with an id of its own", () => {
  const { events, times } = unfold({ ...year, customers: 400 });
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.at(-1)).toBeLessThan(year.end.getTime());
  expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length);
  const never = ["order.fulfillment.updated", "oauth.authorization.revoked"];
  const seen = new Set<string>(events.map(({ type }) => type));
  expect([...seen].sort()).toEqual(handledEventTypes.filter((type) => !never.includes(type)).sort());
});

test("bookings lie inside the local opening hours, in summer and winter, and many evenings on the next day in UTC", () => {
  const { truth } = unfold({ ...year, customers: 300 }).salon;
  const days = ["", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
  const minuteOf = (clock = "") => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
  let evenings = 0;
  for (const { location_id, start_at, appointment_segments } of truth.bookings.values()) {
    const { timezone = "", business_hours } = truth.locations.get(location_id) ?? {};
    const { date, weekday, minute } = localTime(timezone, Date.parse(start_at));
    const period = business_hours?.periods.find(({ day_of_week }) => day_of_week === days[weekday]);
    const length = appointment_segments.reduce((sum, segment) => sum + segment.duration_minutes, 0);
    expect(minute).toBeGreaterThanOrEqual(minuteOf(period?.start_local_time));
    expect(minute + length).toBeLessThanOrEqual(minuteOf(period?.end_local_time));
    if (new Date(date).getUTCDate() !== new Date(start_at).getUTCDate()) evenings++;
  }
  expect(new Set([...truth.locations.values()].map(({ timezone }) => timezone)).size).toBe(2);
  expect(evenings).toBeGreaterThan(truth.bookings.size * 0.15);
});

describe("turbulent salons", () => {
  const histories = Array.from({ length: 30 }, (_, seed) => unfold(turbulent(seed)));

  test("show the ugly things", () => {
    const seen = new Set<string>();
    let [merges, unmerged] = [0, 0];
    for (const { truth } of histories.map(({ salon }) => salon)) {
      merges += truth.merges.length;
      unmerged += truth.merges.filter(({ recovered_version }) => recovered_version !== null).length;
      for (const { status } of [...truth.bookings.values(), ...truth.refunds.values()]) seen.add(status);
      for (const { status, amount_money } of truth.payments.values()) {
        seen.add(status).add(amount_money.currency);
      }
    }
    expect(merges).toBeGreaterThan(20);
    expect(unmerged).toBeGreaterThan(5);
    expect([...seen].sort().join(" ")).toBe(
      "ACCEPTED CAD CANCELED CANCELLED_BY_CUSTOMER CANCELLED_BY_SELLER COMPLETED DECLINED FAILED NO_SHOW PENDING REJECTED USD",
    );
  });

  test("have for truth the last copy of each object, and live profiles only", () => {
    for (const { salon, events } of histories) {
      const { truth } = salon;
      const last = { booking: new Map(), payment: new Map(), refund: new Map(), team_member: new Map() };
      const customers = new Map<string, object>();
      for (const { type, data } of events) {
        const { customer, ...object } = data.object ?? {};
        for (const kind of Object.keys(last) as (keyof typeof last)[]) {
          if (object[kind]) last[kind].set(object[kind].id, object[kind]);
        }
        if (type === "customer.deleted") customers.delete(data.id);
        else if (customer) customers.set(customer.id, customer);
      }
      const { bookings, payments, refunds, teamMembers } = truth;
      expect(last).toEqual({
        booking: bookings,
        payment: payments,
        refund: refunds,
        team_member: teamMembers,
      });
      expect(customers).toEqual(truth.customers);
    }
  });

  test("tell of a merge in one event of the survivor and one of each source, all with the same context", () => {
    for (const { salon, events } of histories) {
      const told = events.filter(({ data }) => data.object?.event_context);
      const survivors = new Set(salon.truth.merges.map(({ to_customer_id }) => to_customer_id));
      for (const to_customer_id of survivors) {
        const merges = salon.truth.merges.filter((merge) => merge.to_customer_id === to_customer_id);
        const from_customer_ids = merges.map(({ from_customer_id }) => from_customer_id);
        const context = { merge: { from_customer_ids, to_customer_id } };
        const group = [
          ["customer.created", to_customer_id],
          ...from_customer_ids.map((id) => ["customer.deleted", id]),
        ];
        for (const [type, id] of group) {
          const found = told.filter((event) => event.type === type && event.data.id === id);
          expect(found.map(({ data }) => data.object?.event_context)).toContainEqual(context);
        }
      }
      expect(told).toHaveLength(salon.truth.merges.length + survivors.size);
    }
  });

  test("have totals that add up, and refunds that never exceed what was paid", () => {
    for (const { truth } of histories.map(({ salon }) => salon)) {
      const refunded = new Map<string, number>();
      for (const { payment_id = "", status, amount_money } of truth.refunds.values()) {
        const counts = status === "PENDING" || status === "COMPLETED";
        refunded.set(payment_id, (refunded.get(payment_id) ?? 0) + (counts ? amount_money.amount : 0));
      }
      for (const { id, amount_money, tip_money, total_money } of truth.payments.values()) {
        expect(total_money.amount).toBe(amount_money.amount + (tip_money?.amount ?? 0));
        expect(refunded.get(id) ?? 0).toBeLessThanOrEqual(total_money.amount);
      }
    }
  });

  test("are read by the handlers, which rank an object's copies in the order in which they were made", () => {
    for (const { events } of histories) {
      const keys = new Map<string, string>();
      for (const event of events) {
        const facts = handlerFor(event.type)?.interpret(received(event));
        expect(facts?.length).toBeGreaterThan(0);
        for (const { kind, value } of facts ?? []) {
          if (!("order_key" in value)) continue;
          const id = `${kind} ${event.data.id.replace(/:\d+$/, "")}`;
          expect(value.order_key > (keys.get(id) ?? ""), `${id} ${event.type}`).toBe(true);
          keys.set(id, value.order_key);
        }
      }
    }
  });
});
