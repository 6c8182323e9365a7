import { expect, test } from "vitest";
import { sweep } from "../../src/reconcile/sweep.js";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon, turbulence } from "../../src/simulator/salon.js";
import { openInbox } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import { analyticsDifferences, makeOrganization, readFacts } from "../support/worlds.js";
import { contextAt, nothingWrong, reportOf } from "./sweeping.js";

const MERCHANT = "M-BUSY";
const SEED = 5;
const START = new Date("2026-01-01T00:00:00Z");
const END = new Date("2026-03-01T00:00:00Z");

const database = await openTestDatabase();

test("webhooks that come in while sweeps run are never taken for drift, and all rows end exact", async () => {
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
  // Real time passes between a webhook's instant of computation and a sweep's, over which rows come due.
  const begun = Date.now();
  const clock = () => new Date(END.getTime() + (Date.now() - begun) * 3_600);
  const inbox = openInbox(database, { clock });
  const context = contextAt(database, clock);

  let taken = 0;
  let done = false;
  const taking = (async () => {
    while (taken < events.length) {
      const some = events.slice(taken, taken + 40);
      await Promise.all(some.map((event) => inbox.receive(received(event))));
      taken += some.length;
    }
    done = true;
  })();
  let sweeps = 0;
  while (!done) {
    const report = reportOf(await sweep(context, sweeps % 2 === 0 ? "recent" : "full"));
    expect(report, `seed ${SEED}, after ${taken} events`).toMatchObject({
      ...nothingWrong,
      time_decayed: expect.any(Number),
    });
    sweeps += 1;
  }
  await taking;
  expect(sweeps).toBeGreaterThan(2);

  const now = clock();
  const still = { ...contextAt(database, () => now) };
  expect(reportOf(await sweep(still, "recent"))).toMatchObject({
    ...nothingWrong,
    time_decayed: expect.any(Number),
  });
  const facts = await readFacts(database, organizationId);
  expect(await analyticsDifferences(database, organizationId, facts, now)).toEqual([]);
});
