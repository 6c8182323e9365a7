import { expect, test } from "vitest";
import { recomputeLocked } from "../../src/analytics/refresh.js";
import type { Inbox } from "../../src/inbox/inbox.js";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { addSalon, NOW, openInbox, processInBatches } from "../support/app.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import { withGaps } from "../support/rarities.js";
import { storedEvents, tablesOf } from "../support/tables.js";
import { turbulence } from "../support/turbulence.js";

const database = await openTestDatabase();

const SEEDS = casesHere(25);
const SEEDS_PER_TEST = 5;

interface SmallHistory {
  readonly events: SquareEventJson[];
  /** The profiles that live at the end. Undefined when events are lost. */
  readonly living: string[] | undefined;
}

/** The events of a small salon with frequent rarities, in the order of time. */
function historyOf(seed: number): SmallHistory {
  const salon = simulateSalon({
    ...turbulence,
    seed: `any order ${seed}`,
    start: new Date("2026-04-01T00:00:00Z"),
    end: seed % 5 === 0 ? NOW : new Date("2026-05-10T00:00:00Z"),
    customers: 2,
    merchantId: `MLORDERED${seed}`,
  });
  // Some events are lost. The delivered ones still give one result.
  const random = new Random(`lost ${seed}`);
  const lost = seed % 3 === 0 ? 0.1 : 0;
  const events = [...salon.events()].map(({ event }) => withGaps(event)).filter(() => !random.chance(lost));
  return { events, living: lost > 0 ? undefined : [...salon.truth.customers.keys()].sort() };
}

/** Delivers all events in any order, a third of them twice, in bursts of any size through two inboxes. */
async function deliverMixed(events: readonly SquareEventJson[], merchantId: string, random: Random) {
  const inboxes = [1, 8].map((maxBatch) => openInbox(database, { maxBatch }));
  const copies = random.shuffle([...events, ...events.filter(() => random.chance(0.33))]);
  while (copies.length > 0) {
    const burst = copies.splice(0, random.int(1, 40));
    await Promise.all(
      burst.map((event) =>
        (random.pick(inboxes) as Inbox).receive(received({ ...event, merchant_id: merchantId })),
      ),
    );
  }
}

const firstSeeds = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, index) => 1 + index * SEEDS_PER_TEST);

test.each(firstSeeds)(
  "any order, batches and duplicates end in the same tables as one by one in order (5 salons from seed %i)",
  async (first) => {
    await emptyDatabase(database);
    for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) {
      const { events, living } = historyOf(seed);
      const ordered = await addSalon(database, `MLORDERED${seed}`);
      await processInBatches(
        database,
        ordered,
        events.map((event) => [event]),
      );
      const expected = await tablesOf(database, ordered);
      const stored = (expected.customers ?? []).filter(({ deleted_at }) => deleted_at === null);
      const ids = stored.map((row) => String(row.square_customer_id)).sort();
      if (living) expect(ids, `seed ${seed}`).toEqual(living);

      const mixed = await addSalon(database, `MLMIXED${seed}`);
      await deliverMixed(events, `MLMIXED${seed}`, new Random(`mixed ${seed}`));
      const tables = await tablesOf(database, mixed);
      expect(tables, `seed ${seed}, ${events.length} events`).toEqual(expected);

      const rows = (expected.customer_analytics ?? []).map((row) => String(row.square_customer_id));
      const all = [...rows, ...(expected.customers ?? []).map((row) => String(row.square_customer_id))];
      const recomputed = await recomputeLocked(database.pool, mixed, all, NOW);
      expect(recomputed, `seed ${seed}`).toMatchObject({ written: [], deleted: [] });
    }
    const unfinished = (await storedEvents(database)).filter(({ status }) => /deferred|dead/.test(status));
    expect(unfinished).toEqual([]);
  },
);
