import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { drain } from "./drain.js";

test("a server that is asked to stop finishes what it took and waits for nobody who sends half a request", async () => {
  const { counts } = await expectToHold(drain({ customers: 2 }));
  expect(counts.acknowledged).toBeGreaterThan(0);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
