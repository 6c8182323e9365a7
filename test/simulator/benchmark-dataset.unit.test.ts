import { expect, test } from "vitest";
import { benchmarkDataset } from "../benchmark/dataset.js";

const small = { customers: 300, bookings: 2_200, payments: 1_500 };

test("the data set has exactly as many customers, bookings and payments as asked for, each once", () => {
  const { facts, counts } = benchmarkDataset(small);
  expect(counts).toMatchObject({ customer: 300, booking: 2_200, payment: 1_500 });
  const ids = new Set<string>();
  const payments = new Set<string>();
  for (const { kind, value } of facts) {
    if (kind === "customer") ids.add(value.square_customer_id);
    if (kind === "booking") ids.add(value.booking_id);
    if (kind === "payment") payments.add(value.payment_id);
    if (kind === "refund" && value.payment_id !== null) expect(payments).toContain(value.payment_id);
  }
  expect(ids.size + payments.size).toBe(4_000);
});

test("is the same in every run, and goes on with events after its instant", () => {
  const [first, second] = [benchmarkDataset(small), benchmarkDataset(small)];
  expect(second.facts).toEqual(first.facts);
  let before = first.now;
  for (const { at } of first.upcoming()) {
    expect(at >= before).toBe(true);
    before = at;
  }
  expect(before > first.now).toBe(true);
});

test("refuses a size that the salon does not reach", () => {
  expect(() => benchmarkDataset({ ...small, bookings: 9_000 })).toThrow("bookings, not 9000");
});
