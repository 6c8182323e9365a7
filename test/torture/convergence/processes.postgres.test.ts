import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { convergenceOfProcesses } from "./convergence.js";

test("random stories delivered to several server processes end in the tables of a single delivery in order", {
  timeout: 600_000,
}, async () => {
  const { counts, figures } = await expectToHold(convergenceOfProcesses({ stories: 15, servers: 3 }));
  expect(figures.stories).toBe(15);
  expect(counts.faults).toBeGreaterThan(0);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
