import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { twinSalons } from "./twin-salons.js";

test("organizations that use the same ids for everything never mix", async () => {
  const { counts } = await expectToHold(twinSalons({ customers: 3 }));
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
