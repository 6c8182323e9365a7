import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { coldStarts } from "./cold-starts.js";
import { hammer } from "./hammer.js";
import { reconciling } from "./reconciling.js";

test("servers that get the same few customers' events at once lose no update and end exact", async () => {
  const { counts, figures } = await expectToHold(hammer({ servers: 3, connections: 24, customers: 3 }));
  expect(counts.rowsCompared).toBeGreaterThan(0);
  expect(figures["sweeps beside webhooks"]).toBeGreaterThan(0);
});

test("a backfill and two sweeps beside webhooks end exact, and leave nothing to correct", async () => {
  const { counts } = await expectToHold(reconciling({ servers: 1, customers: 5 }));
  expect(counts.rowsCompared).toBeGreaterThan(0);
});

test("servers that start at once on an empty database migrate it once, and all of them serve", async () => {
  const { counts } = await expectToHold(coldStarts({ servers: 3 }));
  expect(counts.acknowledged).toBeGreaterThan(0);
});
