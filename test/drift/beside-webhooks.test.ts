import { setTimeout as wait } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import type { SweepReport } from "../../src/sweep/report.js";
import { type SweepContext, sweep } from "../../src/sweep/sweep.js";
import { openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import { contextAt, nothingWrong, reportOf } from "../support/sweeping.js";
import { turbulence } from "../support/turbulence.js";
import { analyticsDifferences, makeOrganization, readFacts } from "../support/worlds.js";

const MERCHANT = "M-BUSY";
const SEED = 5;
const START = new Date("2026-01-01T00:00:00Z");
const END = new Date("2026-03-01T00:00:00Z");

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

/** Delivers a turbulent salon's events shuffled and concurrently, beside other work. */
async function webhooksBeside(work: (world: World) => Promise<void>) {
  const organizationId = await makeOrganization(database, MERCHANT);
  const salon = simulateSalon({
    ...turbulence,
    seed: SEED,
    start: START,
    end: END,
    customers: 60,
    merchantId: MERCHANT,
  });
  const events = new Random(`busy ${SEED}`).shuffle([...salon.events()].map(({ event }) => event));
  // Real time passes between the computations of webhooks and sweeps, and rows come due meanwhile.
  const begun = Date.now();
  const clock = () => new Date(END.getTime() + (Date.now() - begun) * 3_600);
  const inbox = openInbox(database, { clock });
  const context = contextAt(database, clock);
  let arriving = true;
  let rounds = 0;
  let failed = false;
  const arrival = (async () => {
    for (let at = 0; at < events.length; at += 40) {
      // So the events are spread over three rounds at least, however quick the database is.
      while (rounds < (3 * at) / events.length && !failed) await wait(2);
      await Promise.all(events.slice(at, at + 40).map((event) => inbox.receive(received(event))));
    }
    arriving = false;
  })();
  while (arriving) {
    await work({ context, round: rounds }).catch((error) => {
      failed = true;
      throw error;
    });
    rounds += 1;
  }
  await arrival;
  expect(rounds).toBeGreaterThan(2);

  const now = clock();
  const facts = await readFacts(database, organizationId);
  const last = reportOf(
    await sweep(
      contextAt(database, () => now),
      "recent",
    ),
  );
  expect(await analyticsDifferences(database, organizationId, facts, now)).toEqual([]);
  return last;
}

interface World {
  readonly context: SweepContext;
  readonly round: number;
}

describe("webhooks that come in while sweeps run", () => {
  it("are never reported as drift, and all rows become exact", async () => {
    const last = await webhooksBeside(async ({ context, round }) => {
      const report = reportOf(await sweep(context, round % 2 === 0 ? "recent" : "full"));
      expect(report, `seed ${SEED}, round ${round}`).toMatchObject({
        ...nothingWrong,
        time_decayed: expect.any(Number),
      });
    });
    expect(last).toMatchObject({ ...nothingWrong, time_decayed: expect.any(Number) });
  });

  it("are not lost to a correction of the same rows", async () => {
    let corrected = 0;
    const correct = ({ drift, corrected: rows }: SweepReport) => {
      corrected += rows;
      expect(drift.filter(({ column }) => column !== "late_cancellations")).toEqual([]);
    };
    const last = await webhooksBeside(async ({ context }) => {
      // Rows that a webhook is writing are skipped. Waiting for their locks could deadlock.
      await database.pool.query(`
        update customer_analytics set late_cancellations = -1 where square_customer_id in (
          select square_customer_id from customer_analytics for update skip locked)`);
      correct(reportOf(await sweep(context, "recent")));
    });
    correct(last);
    expect(corrected).toBeGreaterThan(5);
  });
});
