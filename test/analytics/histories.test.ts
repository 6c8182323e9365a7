import { beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../src/simulator/random.js";
import { explainTableDifferences } from "../oracle/index.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { type History, type HistoryEvent, loadHistories } from "../support/histories.js";
import { addLocations, dailyDifferences, makeOrganization, readRows, takeIn } from "../support/worlds.js";

const database = await openTestDatabase();
beforeEach(() => emptyDatabase(database));

/** Processes the events under a new merchant. Returns the differences between the tables and the story's rows. */
async function replay(
  history: History,
  variant: string,
  events: readonly HistoryEvent[],
  atOnce: number,
): Promise<string[]> {
  const merchant_id = `${history.organization.merchant_id} ${variant}`;
  const { currency, time_zone: timeZone } = history.organization;
  const organizationId = await makeOrganization(database, merchant_id, { currency, timeZone });
  await addLocations(database, organizationId, history.locations);
  const outcomes = await takeIn(
    database,
    events.map((event) => ({ ...event, merchant_id })),
    new Date(history.now),
    atOnce,
  );
  const failed = outcomes.filter((outcome) => outcome === "dead" || outcome === "deferred");
  const expected = Object.values(history.customers).filter((row) => row !== null);
  const rows = await readRows(database, organizationId, "customer_analytics");
  const differences = [
    ...failed,
    ...explainTableDifferences(expected, rows, ["square_customer_id"]),
    ...(await dailyDifferences(database, organizationId, {
      appointments: history.appointments_daily,
      revenue: history.revenue_daily,
    })),
  ];
  return differences.map((difference) => `${variant}: ${difference}`);
}

describe.each(loadHistories())("history $name ends in the rows its story works out", (history) => {
  const { events } = history;

  it("in order, one event a transaction", async () => {
    expect(await replay(history, "in order", events, 1)).toEqual([]);
  });

  it("reversed, one event a transaction", async () => {
    expect(await replay(history, "reversed", events.toReversed(), 1)).toEqual([]);
  });

  it("in one transaction, in order and reversed", async () => {
    expect(await replay(history, "pipelined", events, 128)).toEqual([]);
    expect(await replay(history, "pipelined, reversed", events.toReversed(), 128)).toEqual([]);
  });

  it("with every event doubled, the copies together and apart", async () => {
    const doubled = events.flatMap((event) => [event, event]);
    expect(await replay(history, "doubled", doubled, 1)).toEqual([]);
    expect(await replay(history, "doubled in batches", doubled, 3)).toEqual([]);
    expect(await replay(history, "twice over", [...events, ...events], 128)).toEqual([]);
  });

  it("shuffled in many ways, in batches of 1 to 5", async () => {
    for (let seed = 1; seed <= casesHere(20); seed++) {
      const random = new Random(seed);
      const shuffled = random.shuffle(
        events.flatMap((event) => (random.chance(0.2) ? [event, event] : event)),
      );
      expect(await replay(history, `seed ${seed}`, shuffled, random.int(1, 5))).toEqual([]);
    }
  });
});
