import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { embeddedKills } from "./embedded-kills.js";

test("a server killed with its embedded database loses nothing that it answered, and the next takes over", async () => {
  const attack = embeddedKills({ customers: 2, events: 60, withinMs: 400 });
  const { counts } = await expectToHold(attack, { rounds: 2 });
  expect(counts.faults).toBe(2);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
