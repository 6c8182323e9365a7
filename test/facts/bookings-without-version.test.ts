import { expect, test } from "vitest";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import {
  expectedAnalytics,
  explainTableDifferences,
  factsFromEvents,
  type WebhookEvent,
} from "../oracle/index.js";
import { addSalon, NOW, processInBatches } from "../support/app.js";
import { casesHere, openTestDatabase } from "../support/database.js";
import { tablesOf } from "../support/tables.js";
import { turbulence } from "../support/turbulence.js";
import { readFacts, readRows } from "../support/worlds.js";

const database = await openTestDatabase();

/** Where the bookings of a salon have their versions. */
const shapes = {
  "only in data.id": (event: SquareEventJson) => withoutVersion(event),
  nowhere: (event: SquareEventJson) => withoutVersion(event, ":"),
};

/** @param cutAt what is cut off `data.id`, with all that follows */
function withoutVersion(event: SquareEventJson, cutAt = "\n"): SquareEventJson {
  const { booking } = event.data.object ?? {};
  if (!booking) return event;
  const { version: _, ...rest } = booking;
  const id = event.data.id.split(cutAt)[0] as string;
  return { ...event, data: { ...event.data, id, object: { booking: rest } } } as SquareEventJson;
}

test.each(Object.entries(shapes))(
  "of bookings whose version is %s the later copy stands, in any order",
  async (shape, change) => {
    let highest = 0;
    for (let seed = 1; seed <= casesHere(10); seed++) {
      const merchantId = `MLSHAPE ${shape} ${seed}`;
      const salon = simulateSalon({
        ...turbulence,
        seed: `without version ${seed}`,
        start: new Date("2026-04-01T00:00:00Z"),
        end: new Date("2026-05-10T00:00:00Z"),
        customers: 2,
        merchantId,
      });
      const events = [...salon.events()].map(({ event }) => change(event));
      const random = new Random(`without version ${seed}`);
      const ids: string[] = [];
      for (const order of [events, random.shuffle([...events]), [...events].reverse()]) {
        const id = await addSalon(database, `${merchantId} ${ids.length}`);
        const size = random.int(1, 6);
        const batches = Array.from({ length: Math.ceil(order.length / size) }, (_, at) =>
          order.slice(at * size, (at + 1) * size),
        );
        await processInBatches(database, id, batches);
        ids.push(id);
      }
      const [first = "", ...others] = ids;
      const tables = await tablesOf(database, first);
      for (const { version } of tables.bookings ?? []) highest = Math.max(highest, Number(version));
      for (const other of others) expect(await tablesOf(database, other), `seed ${seed}`).toEqual(tables);

      const { organization, locations } = await readFacts(database, first);
      const facts = factsFromEvents(events as unknown as WebhookEvent[], organization, locations);
      const rows = await readRows(database, first, "customer_analytics");
      const expected = expectedAnalytics(facts, NOW).values();
      expect(explainTableDifferences(expected, rows, ["square_customer_id"]), `seed ${seed}`).toEqual([]);
    }
    expect(highest > 0).toBe(shape !== "nowhere");
  },
);
