import { testAttacks } from "../runner/short-form.js";
import { clockJumps } from "./clock-jumps.js";
import { failingHandler } from "./failing-handler.js";
import { hugeCustomer } from "./huge-customer.js";

testAttacks([
  [
    "an event whose handler throws delays neither its batch nor its customer, and counts when its handler works",
    failingHandler({ customers: 4 }),
    { faults: 1, rowsCompared: 1 },
  ],
  [
    "a customer with twenty thousand bookings delays nobody",
    hugeCustomer({ bookings: 20_000, events: 10 }),
    { "others: slowest ms": 0.001 },
  ],
  [
    "rows are exact at the clock's instant, even if the clock is set back and forward between events",
    clockJumps({ customers: 3 }),
    { rowsCompared: 1 },
  ],
]);
