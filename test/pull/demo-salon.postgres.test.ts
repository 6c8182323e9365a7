import { expect, test } from "vitest";
import { defaultMix, defaultRates } from "../../src/simulator/salon.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { received } from "../support/events.js";
import { comparableTables, connectSalon, openSquareWorld } from "../support/square.js";
import { pullOnce, runBackfill } from "../support/square-context.js";

const database = await openTestDatabase();

test("on the demo's salon a backfill from nothing and webhooks alone give identical tables", async () => {
  const world = await openSquareWorld(database, {
    seed: "demo",
    customers: 400,
    locations: 2,
    staff: 12,
    start: new Date("2024-06-01T00:00:00Z"),
    end: new Date("2026-06-01T00:00:00Z"),
    rates: defaultRates,
    mix: defaultMix,
  });
  const events = [...world.salon.events()].map(({ event }) => received(event));
  const told = await connectSalon(database, world);
  for (let at = 0; at < events.length; at += 500) {
    await Promise.all(events.slice(at, at + 500).map((event) => world.context.inbox.receive(event)));
  }
  // Locations and services always come from Square, because events carry only their ids.
  const swept = await pullOnce(world, told);
  expect(swept.errors).toEqual([]);
  const byWebhooks = await comparableTables(database, told);

  await emptyDatabase(database);
  const asked = await connectSalon(database, world);
  await runBackfill(world, asked);
  const byBackfill = await comparableTables(database, asked);
  for (const [table, rows] of Object.entries(byWebhooks)) {
    expect(byBackfill[table as keyof typeof byBackfill], table).toEqual(rows);
  }
  expect(byWebhooks.customer_analytics.length).toBeGreaterThan(350);
});
