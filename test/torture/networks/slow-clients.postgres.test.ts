import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { slowClients } from "./slow-clients.js";

test("clients that never end their request keep nobody out, and take a bounded amount of memory", async () => {
  const { counts } = await expectToHold(slowClients({ clients: 600, untilCut: false }));
  expect(counts.acknowledged).toBeGreaterThan(0);
});
