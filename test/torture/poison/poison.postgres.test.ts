import { testAttacks } from "../runner/short-form.js";
import { clockJumps } from "./clock-jumps.js";
import { failingHandler } from "./failing-handler.js";
import { hugeCustomer } from "./huge-customer.js";

testAttacks([
  [
    "an event whose handler throws holds up neither its batch nor its customer, and is counted once it can be",
    failingHandler({ customers: 4 }),
    { faults: 1, rowsCompared: 1 },
  ],
  [
    "a customer with twenty thousand bookings keeps nobody waiting",
    hugeCustomer({ bookings: 20_000, events: 10 }),
    { "others: slowest ms": 0.001 },
  ],
  [
    "rows are exact at the clock's instant, though it is set back and forward between events",
    clockJumps({ customers: 3 }),
    { rowsCompared: 1 },
  ],
]);
