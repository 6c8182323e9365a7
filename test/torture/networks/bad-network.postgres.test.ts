import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { badNetwork } from "./bad-network.js";

test("a connection to Postgres that is slow, reset, refused or half-open loses nothing and doubles nothing", async () => {
  const attack = badNetwork({ delay: 2, trickle: 1, reset: 4, refuse: 2, pause: 1 }, 3);
  const { counts } = await expectToHold(attack);
  expect(counts.faults).toBeGreaterThan(0);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
