import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { overload } from "./overload.js";

test("a server that can hold no more says 503 and keeps what it took", async () => {
  const { counts } = await expectToHold(overload());
  expect(counts.acknowledged).toBeGreaterThan(2_000);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
