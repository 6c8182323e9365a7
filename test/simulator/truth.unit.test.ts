import { describe, expect, test } from "vitest";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { simulateSalon, turbulence } from "../../src/simulator/salon.js";

const start = new Date("2025-01-01T00:00:00Z");

/** Salons as different as they come: an ordinary half year, and turbulent ones. */
const histories = [
  simulateSalon({ seed: 5, start, end: new Date("2025-07-01T00:00:00Z"), customers: 120 }),
  ...Array.from({ length: 30 }, (_, seed) =>
    simulateSalon({
      ...turbulence,
      seed,
      start,
      end: new Date("2025-05-01T00:00:00Z"),
      customers: 3 + (seed % 6),
    }),
  ),
].map((salon) => ({ salon, events: [...salon.events()].map(({ event }) => event) }));

const kinds = ["booking", "payment", "refund", "team_member"] as const;

function objectsOf(events: SquareEventJson[], kind: (typeof kinds)[number]) {
  return events.flatMap(({ data }) => data.object?.[kind] ?? []);
}

describe("the truth", () => {
  test("is the last version of each object in the stream", () => {
    for (const { salon, events } of histories) {
      const { bookings, payments, refunds, teamMembers } = salon.truth;
      const truths = { booking: bookings, payment: payments, refund: refunds, team_member: teamMembers };
      for (const kind of kinds) {
        const last = new Map(objectsOf(events, kind).map((object) => [object.id, object]));
        expect(last).toEqual(truths[kind]);
      }
    }
  });

  test("knows the live profiles and the deleted ones from the stream alone", () => {
    for (const { salon, events } of histories) {
      const last = new Map(
        events.flatMap(({ type, data }) =>
          data.object?.customer ? [[data.id, { type, data }] as const] : [],
        ),
      );
      const live = [...last].filter(([, { type }]) => type !== "customer.deleted").map(([id]) => id);
      expect(new Set(salon.truth.customers.keys())).toEqual(new Set(live));
      for (const id of live)
        expect(salon.truth.customers.get(id)).toEqual(last.get(id)?.data.object?.customer);
      expect(salon.truth.deletedCustomers.size + live.length).toBe(last.size);
    }
  });

  test("holds the changed catalog and locations that the thin events leave out", () => {
    for (const { salon, events } of histories) {
      const located = new Set(
        events.filter(({ type }) => type.startsWith("location.")).map(({ data }) => data.id),
      );
      expect(new Set(salon.truth.locations.keys())).toEqual(located);
      for (const { data } of events) {
        const { order_id = "", version = 0 } = data.object?.order_updated ?? data.object?.order_created ?? {};
        if (order_id === "") continue;
        expect(salon.truth.orders.get(order_id)?.version).toBeGreaterThanOrEqual(version);
      }
    }
  });
});

describe("an object's copies", () => {
  test("a booking's version goes up by one, and its times never go back", () => {
    for (const { events } of histories) {
      const before = new Map<string, { version: number; updated_at: string; location_id: string }>();
      for (const booking of objectsOf(events, "booking")) {
        if (!("version" in booking) || !("start_at" in booking)) continue;
        const previous = before.get(booking.id);
        expect(booking.version).toBe((previous?.version ?? -1) + 1);
        expect(booking.updated_at >= (previous?.updated_at ?? booking.created_at)).toBe(true);
        expect(booking.location_id).toBe(previous?.location_id ?? booking.location_id);
        before.set(booking.id, booking);
      }
    }
  });

  test("a payment's updated_at goes up, or stands still when the later copy is terminal", () => {
    for (const { events } of histories) {
      const before = new Map<string, { updated_at: string; status: string }>();
      for (const { data } of events) {
        const payment = data.object?.payment;
        if (!payment) continue;
        const previous = before.get(payment.id);
        if (previous && payment.updated_at === previous.updated_at) {
          expect(previous.status).toBe("APPROVED");
          expect(payment.status).not.toBe("APPROVED");
        } else {
          expect(payment.updated_at > (previous?.updated_at ?? "")).toBe(true);
        }
        before.set(payment.id, payment);
      }
    }
  });

  test("a refund's and a team member's updated_at goes up", () => {
    for (const { events } of histories) {
      for (const kind of ["refund", "team_member"] as const) {
        const before = new Map<string, string>();
        for (const object of objectsOf(events, kind)) {
          expect(object.updated_at > (before.get(object.id) ?? "")).toBe(true);
          before.set(object.id, object.updated_at);
        }
      }
    }
  });

  test("a profile's version goes up, except that its deletion may keep it", () => {
    for (const { events } of histories) {
      const before = new Map<string, number>();
      for (const { type, data } of events) {
        const customer = data.object?.customer;
        if (!customer) continue;
        const previous = before.get(customer.id) ?? -1;
        const step = customer.version - previous;
        expect(type === "customer.deleted" ? [0, 1] : [1]).toContain(step);
        before.set(customer.id, customer.version);
      }
    }
  });
});

function groupBySurvivor(events: SquareEventJson[]): Map<string, SquareEventJson[]> {
  const groups = new Map<string, SquareEventJson[]>();
  for (const event of events) {
    const survivor = event.data.object?.event_context?.merge.to_customer_id;
    if (survivor !== undefined) groups.set(survivor, [...(groups.get(survivor) ?? []), event]);
  }
  return groups;
}

describe("merges", () => {
  test("one survivor is created and each source deleted, all with the same context", () => {
    let merges = 0;
    for (const { salon, events } of histories) {
      const groups = groupBySurvivor(events);
      for (const [survivor, group] of groups) {
        merges++;
        const { from_customer_ids = [] } = group[0]?.data.object?.event_context?.merge ?? {};
        const created = group.filter(({ type }) => type === "customer.created").map(({ data }) => data);
        expect(created).toMatchObject([{ id: survivor, object: { customer: { creation_source: "MERGE" } } }]);
        const deleted = group.filter(({ type }) => type === "customer.deleted").map(({ data }) => data.id);
        expect(deleted.sort()).toEqual([...from_customer_ids].sort());
        expect(new Set(group.map(({ data }) => JSON.stringify(data.object?.event_context))).size).toBe(1);
        const recorded = salon.truth.merges.filter((merge) => merge.to_customer_id === survivor);
        expect(recorded.map((merge) => merge.from_customer_id)).toEqual(from_customer_ids);
      }
      expect(salon.truth.merges.every((merge) => groups.has(merge.to_customer_id))).toBe(true);
    }
    expect(merges).toBeGreaterThan(20);
  });

  test("later facts stand on the survivor, some on the id merged away", () => {
    const late = { survivor: 0, source: 0 };
    for (const { salon } of histories) {
      for (const { from_customer_id, to_customer_id, merged_at } of salon.truth.merges) {
        for (const { customer_id, created_at } of salon.truth.payments.values()) {
          if (created_at < merged_at) continue;
          if (customer_id === to_customer_id) late.survivor++;
          if (customer_id === from_customer_id) late.source++;
        }
      }
    }
    expect(late.survivor).toBeGreaterThan(0);
    expect(late.source).toBeGreaterThan(0);
  });

  test("an undone merge brings the source back with a higher version", () => {
    const undone = histories.flatMap(({ salon, events }) =>
      salon.truth.merges
        .filter(({ recovered_version }) => recovered_version !== null)
        .map((merge) => ({ merge, events })),
    );
    expect(undone.length).toBeGreaterThan(5);
    for (const { merge, events } of undone) {
      const back = events.find(
        ({ data }) =>
          data.object?.customer?.id === merge.from_customer_id &&
          data.object.customer.version === merge.recovered_version,
      );
      expect(back?.data.object?.customer?.creation_source).toBe("UNMERGE_RECOVERY");
      expect(merge.recovered_version).toBeGreaterThan(merge.source_version);
    }
  });
});

describe("money", () => {
  test("totals add up, and refunds never exceed what was paid", () => {
    for (const { salon } of histories) {
      const refunded = new Map<string, number>();
      for (const { payment_id, status, amount_money } of salon.truth.refunds.values()) {
        if (payment_id === undefined || status === "FAILED" || status === "REJECTED") continue;
        expect(amount_money.amount).toBeGreaterThan(0);
        refunded.set(payment_id, (refunded.get(payment_id) ?? 0) + amount_money.amount);
      }
      for (const payment of salon.truth.payments.values()) {
        const { amount_money, tip_money, total_money } = payment;
        expect(total_money.amount).toBe(amount_money.amount + (tip_money?.amount ?? 0));
        expect(payment.refunded_money?.amount ?? 0).toBeLessThanOrEqual(refunded.get(payment.id) ?? 0);
        expect(refunded.get(payment.id) ?? 0).toBeLessThanOrEqual(total_money.amount);
        expect(tip_money?.currency ?? amount_money.currency).toBe(amount_money.currency);
      }
    }
  });
});
