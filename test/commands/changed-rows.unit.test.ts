import { expect, test } from "vitest";
import { changedRows, describeChange } from "../../src/commands/changed-rows.js";
import { inToldOrder } from "../../src/dashboard/today/told-columns.js";

const before = {
  given_name: "Ana",
  total_bookings: 1,
  total_visits: 1,
  visit_days: 1,
  total_revenue_cents: 0,
  customer_segment: "ACTIVE",
  is_overdue: false,
};
const after = {
  ...before,
  total_bookings: 2,
  total_visits: 2,
  visit_days: 2,
  total_revenue_cents: 5_000,
  customer_segment: "AT_RISK",
  is_overdue: true,
};

test("the demo's line tells first that a customer became overdue or moved to another segment, as the page does", () => {
  const [changed] = changedRows(new Map([["ana", before]]), new Map([["ana", after]]));
  if (!changed) throw new Error("The row has changed.");
  expect(describeChange(changed)).toBe(
    "    Ana ana: is_overdue false -> true, customer_segment ACTIVE -> AT_RISK, total_bookings 1 -> 2, " +
      "total_visits 1 -> 2 and 2 more",
  );
  expect(inToldOrder(Object.keys(changed.columns)).slice(0, 4)).toEqual([
    "is_overdue",
    "customer_segment",
    "total_bookings",
    "total_visits",
  ]);
});
