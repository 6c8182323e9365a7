import { testAttacks } from "../runner/short-form.js";
import { coldStarts } from "./cold-starts.js";
import { hammer } from "./hammer.js";
import { reconciling } from "./reconciling.js";

testAttacks([
  [
    "servers that get events of the same few customers at once lose no update, and every row is exact",
    hammer({ servers: 3, connections: 24, customers: 3 }),
    { rowsCompared: 1, "sweeps beside webhooks": 1 },
  ],
  [
    "after a backfill and two sweeps beside webhooks every row is exact, and nothing is left to correct",
    reconciling({ servers: 1, customers: 5 }),
    { rowsCompared: 1 },
  ],
  [
    "servers that start at once on an empty database migrate it once, and all of them take events",
    coldStarts({ servers: 3 }),
    { acknowledged: 1 },
  ],
]);
