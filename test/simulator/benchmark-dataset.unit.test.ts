import { expect, test } from "vitest";
import { benchmarkDataset } from "../benchmark/dataset.js";

const small = { customers: 300, bookings: 2_200, payments: 1_500 };

test("the data set has exactly as many customers, bookings and payments as asked for, each once, and goes on", () => {
  const { facts, counts, now, upcoming } = benchmarkDataset(small);
  expect(counts).toMatchObject({ customer: 300, booking: 2_200, payment: 1_500 });
  const ids = new Set<string>();
  for (const { kind, value } of facts) {
    if (kind === "customer") ids.add(value.square_customer_id);
    if (kind === "booking") ids.add(value.booking_id);
    if (kind === "payment") ids.add(value.payment_id);
    if (kind === "refund" && value.payment_id !== null) expect(ids).toContain(value.payment_id);
  }
  expect(ids.size).toBe(4_000);
  const [next] = upcoming();
  expect(next?.at.getTime()).toBeGreaterThanOrEqual(now.getTime());
});

test("refuses a size that the salon does not reach", () => {
  expect(() => benchmarkDataset({ customers: 20, bookings: 9_000, payments: 1 })).toThrow(
    "bookings, not 9000",
  );
});
