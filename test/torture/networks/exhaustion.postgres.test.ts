import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { exhaustion } from "./exhaustion.js";

test("without a free connection events are refused with 503, and counted once there is one", async () => {
  const { counts } = await expectToHold(exhaustion());
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
