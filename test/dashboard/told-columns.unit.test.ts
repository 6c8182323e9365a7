import { expect, test } from "vitest";
import { inToldOrder } from "../../src/dashboard/today/told-columns.js";

test("a change tells first that a customer became overdue or moved to another segment", () => {
  const columns = [
    "total_bookings",
    "cancellation_rate",
    "is_overdue",
    "next_booking_at",
    "customer_segment",
  ];
  expect(inToldOrder(columns)).toEqual([
    "is_overdue",
    "customer_segment",
    "total_bookings",
    "cancellation_rate",
    "next_booking_at",
  ]);
  expect(inToldOrder(["total_payments"])).toEqual(["total_payments"]);
});
