import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { handledEventTypes } from "../../handlers/registry.js";
import { localTime } from "../../src/simulator/local-time.js";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { type Salon, type SalonOptions, simulateSalon, turbulence } from "../../src/simulator/salon.js";

const year: SalonOptions = {
  seed: 1,
  start: new Date("2025-01-01T00:00:00Z"),
  end: new Date("2026-01-01T00:00:00Z"),
  customers: 90,
};

function turbulent(seed: number): SalonOptions {
  return { ...turbulence, seed, start: year.start, end: new Date("2025-04-15T00:00:00Z"), customers: 6 };
}

function unfold(options: SalonOptions): { salon: Salon; events: SquareEventJson[]; times: number[] } {
  const salon = simulateSalon(options);
  const stream = [...salon.events()];
  return { salon, events: stream.map(({ event }) => event), times: stream.map(({ at }) => at.getTime()) };
}

const digest = (events: SquareEventJson[]) =>
  createHash("sha256").update(JSON.stringify(events)).digest("hex");

describe("determinism", () => {
  test("the same seed gives the same bytes, another seed others", () => {
    const first = digest(unfold(year).events);
    expect(digest(unfold(year).events)).toBe(first);
    expect(digest(unfold({ ...year, seed: 2 }).events)).not.toBe(first);
  });

  test("the bytes are those of every other day and machine", () => {
    expect(digest(unfold({ ...year, customers: 20 }).events)).toMatchInlineSnapshot(
      `"1b3c22ccc587237cf3c9b700d7fcd61a8229c6e5b0bc214912a64c606d1c1fb3"`,
    );
  });

  test("taking the history in pieces changes nothing", () => {
    const salon = simulateSalon(year);
    const pieces: SquareEventJson[] = [];
    for (let month = 1; month <= 12; month++) {
      const until = new Date(Date.UTC(2025, month, 1));
      for (const { at, event } of salon.events(until)) {
        expect(at < until).toBe(true);
        pieces.push(event);
      }
    }
    expect(digest(pieces)).toBe(digest(unfold(year).events));
  });

  test("a consumer that stops in the middle loses no event", () => {
    const salon = simulateSalon(turbulent(3));
    const pieces: SquareEventJson[] = [];
    for (let before = -1; pieces.length > before; ) {
      before = pieces.length;
      for (const { event } of salon.events()) {
        pieces.push(event);
        if (pieces.length % 3 === 0) break;
      }
    }
    expect(digest(pieces)).toBe(digest(unfold(turbulent(3)).events));
  });
});

describe("the stream", () => {
  test("never goes back in time", () => {
    const { times } = unfold(year);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(year.start.getTime());
    expect(times.at(-1)).toBeLessThan(year.end.getTime());
  });

  test("holds every handled event type that Square's salon scopes send", () => {
    const { events } = unfold({ ...year, customers: 400, revokedAt: new Date("2025-12-31T00:00:00Z") });
    const seen = new Set<string>(events.map(({ type }) => type));
    const fulfillment = "order.fulfillment.updated"; // A salon ships nothing.
    expect([...seen].sort()).toEqual(handledEventTypes.filter((type) => type !== fulfillment).sort());
  });

  test("gives every event an id of its own", () => {
    const { events } = unfold(year);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length);
  });

  test("turbulence shows the ugly things within a few salons", () => {
    const seen = { merges: 0, unmerged: 0, statuses: new Set<string>(), currencies: new Set<string>() };
    for (let seed = 0; seed < 20; seed++) {
      const { truth } = unfold(turbulent(seed)).salon;
      seen.merges += truth.merges.length;
      seen.unmerged += truth.merges.filter(({ recovered_version }) => recovered_version !== null).length;
      for (const { status } of [...truth.bookings.values(), ...truth.refunds.values()])
        seen.statuses.add(status);
      for (const payment of truth.payments.values()) {
        seen.statuses.add(payment.status);
        seen.currencies.add(payment.amount_money.currency);
      }
    }
    expect(seen.merges).toBeGreaterThan(20);
    expect(seen.unmerged).toBeGreaterThan(5);
    expect(seen.currencies).toEqual(new Set(["USD", "CAD"]));
    expect([...seen.statuses].sort()).toEqual(
      "ACCEPTED CANCELED CANCELLED_BY_CUSTOMER CANCELLED_BY_SELLER COMPLETED DECLINED FAILED NO_SHOW PENDING REJECTED".split(
        " ",
      ),
    );
  });
});

describe("the house", () => {
  test("every booking begins and ends inside the local opening hours, in summer and winter", () => {
    const { salon } = unfold({ ...year, customers: 300 });
    const days = ["", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    const minuteOf = (clock = "") => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
    for (const booking of salon.truth.bookings.values()) {
      const location = salon.truth.locations.get(booking.location_id);
      const { weekday, minute } = localTime(location?.timezone ?? "", Date.parse(booking.start_at));
      const period = location?.business_hours.periods.find(
        ({ day_of_week }) => day_of_week === days[weekday],
      );
      const length = booking.appointment_segments.reduce((sum, segment) => sum + segment.duration_minutes, 0);
      expect(period).toBeDefined();
      expect(minute).toBeGreaterThanOrEqual(minuteOf(period?.start_local_time));
      expect(minute + length).toBeLessThanOrEqual(minuteOf(period?.end_local_time));
    }
  });

  test("evening visits fall on the next day in UTC", () => {
    const { salon } = unfold(year);
    const evenings = [...salon.truth.bookings.values()].filter((booking) => {
      const timeZone = salon.truth.locations.get(booking.location_id)?.timezone ?? "";
      const instant = Date.parse(booking.start_at);
      return localTime(timeZone, instant).date < Math.floor(instant / 86_400_000) * 86_400_000;
    });
    expect(evenings.length).toBeGreaterThan(salon.truth.bookings.size * 0.15);
  });

  test("has locations in different time zones, each with its team", () => {
    const { salon } = unfold(year);
    expect(salon.locations.map(({ timezone }) => timezone)).toEqual([
      "America/Los_Angeles",
      "America/Denver",
    ]);
    expect(salon.teamMembers.filter(({ status }) => status === "ACTIVE")).toHaveLength(12);
    expect(salon.serviceVariations.length).toBeGreaterThan(8);
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
