import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { lostAnswers } from "./lost-answers.js";

test("an event whose commit or answer got lost is stored, and a duplicate when it comes again, and counted once", async () => {
  const { counts, figures } = await expectToHold(lostAnswers({ customers: 2 }));
  expect(figures["commits whose answer was lost"]).toBeGreaterThan(0);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
