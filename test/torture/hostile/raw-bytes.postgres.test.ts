import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { rawBytes } from "./raw-bytes.js";

test("bytes that are no delivery are refused or cut off, and never a failure of ours", async () => {
  const { counts } = await expectToHold(rawBytes(), { rounds: 2 });
  expect(counts.faults).toBe(120);
});
