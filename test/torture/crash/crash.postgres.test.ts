import { expect, test } from "vitest";
import { skipUnlessRequired } from "../../support/skip.js";
import { expectToHold } from "../runner/short-form.js";
import { postgresCrashes } from "./postgres-crashes.js";
import { whyNoCluster } from "./private-cluster.js";
import { serverKills } from "./server-kills.js";

const load = { customers: 4, events: 90, withinMs: 150 };

test("a killed server loses nothing that it answered, doubles nothing, and starts again by itself", async () => {
  const { counts } = await expectToHold(serverKills(load), { rounds: 3 });
  expect(counts.faults).toBe(3);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});

test("a crashed Postgres costs nothing that was answered, and the server outlives it", async (context) => {
  skipUnlessRequired(context, await whyNoCluster());
  const { counts } = await expectToHold(postgresCrashes(load), { rounds: 3 });
  expect(counts.faults).toBe(3);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
