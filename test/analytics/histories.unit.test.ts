import { describe, expect, it } from "vitest";
import { factsFromEvents, type WebhookEvent } from "../oracle/events.js";
import {
  expectedAnalytics,
  expectedAppointmentsDaily,
  expectedRevenueDaily,
  explainTableDifferences,
  type FactTables,
} from "../oracle/index.js";
import { type History, type JsonRow, loadHistories } from "../support/histories.js";

const histories = loadHistories();

/** The differences between the story's numbers and the oracle's, for the events in this order. */
function disagreements(history: History, events: readonly WebhookEvent[]): string[] {
  const facts: FactTables = factsFromEvents(events, history.organization, history.locations);
  const rows = Object.values(history.customers).filter((row) => row !== null);
  const day = ["location_id", "date"];
  return [
    ...explainTableDifferences(expectedAnalytics(facts, history.now).values(), rows, ["square_customer_id"]),
    ...explainTableDifferences(expectedAppointmentsDaily(facts), history.appointments_daily, day),
    ...explainTableDifferences(expectedRevenueDaily(facts), history.revenue_daily, [...day, "currency"]),
  ];
}

/** A small linear congruential generator: the same seed gives the same shuffle. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed;
  for (let i = result.length - 1; i > 0; i--) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const j = state % (i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

function customerIdsIn(events: readonly WebhookEvent[]): string[] {
  const ids = events.flatMap((event) => {
    const { customer, booking, payment } = (event.data.object ?? {}) as Record<string, JsonRow | undefined>;
    return [customer?.id, booking?.customer_id, payment?.customer_id];
  });
  return [...new Set(ids.filter((id) => typeof id === "string"))].sort();
}

describe.each(histories)("history $name", (history) => {
  it("has the rows its story works out", () => {
    expect(disagreements(history, history.events)).toEqual([]);
  });

  it("has the same rows when events arrive reversed, doubled and shuffled 20 ways", () => {
    const doubled = history.events.flatMap((event) => [event, event]);
    const orders = [
      [...history.events].reverse(),
      doubled,
      ...Array.from({ length: 20 }, (_, seed) => shuffled(doubled, seed + 1)),
    ];
    for (const order of orders) expect(disagreements(history, order)).toEqual([]);
  });

  it("says of every customer it names whether there is a row", () => {
    expect(Object.keys(history.customers).sort()).toEqual(customerIdsIn(history.events));
  });

  it("tells its story", () => {
    expect(history.story).toMatch(/^# /);
    for (const id of Object.keys(history.customers)) expect(history.story).toContain(id);
  });
});

describe("all histories", () => {
  it("are of different merchants and no event id occurs twice", () => {
    expect(new Set(histories.map((history) => history.organization.merchant_id)).size).toBe(histories.length);
    const ids = histories.flatMap((history) => history.events.map((event) => event.event_id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const history of histories) {
      const senders = new Set(history.events.map((event) => event.merchant_id));
      expect([...senders]).toEqual([history.organization.merchant_id]);
    }
  });

  it("carry the same columns everywhere", () => {
    const columns = new Set(
      histories.flatMap((history) =>
        Object.values(history.customers).flatMap((row) => (row === null ? [] : [Object.keys(row).join(" ")])),
      ),
    );
    expect(columns.size).toBe(1);
  });
});
