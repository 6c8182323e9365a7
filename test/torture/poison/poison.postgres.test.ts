import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { clockJumps } from "./clock-jumps.js";
import { failingHandler } from "./failing-handler.js";
import { hugeCustomer } from "./huge-customer.js";

test("an event whose handler throws holds up neither its batch nor its customer, and is counted once it can be", async () => {
  const { counts } = await expectToHold(failingHandler({ customers: 4 }));
  expect(counts.faults).toBeGreaterThan(0);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});

test("a customer with twenty thousand bookings keeps nobody waiting", async () => {
  const { figures } = await expectToHold(hugeCustomer({ bookings: 20_000, events: 10 }));
  expect(figures["others: slowest ms"]).toBeGreaterThan(0);
});

test("rows are exact at the clock's instant, though it is set back and forward between events", async () => {
  const { counts } = await expectToHold(clockJumps({ customers: 3 }));
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
