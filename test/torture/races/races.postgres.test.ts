import { testAttacks } from "../runner/short-form.js";
import { coldStarts } from "./cold-starts.js";
import { hammer } from "./hammer.js";
import { reconciling } from "./reconciling.js";

testAttacks([
  [
    "servers that get the same few customers' events at once lose no update and end exact",
    hammer({ servers: 3, connections: 24, customers: 3 }),
    { rowsCompared: 1, "sweeps beside webhooks": 1 },
  ],
  [
    "a backfill and two sweeps beside webhooks end exact, and leave nothing to correct",
    reconciling({ servers: 1, customers: 5 }),
    { rowsCompared: 1 },
  ],
  [
    "servers that start at once on an empty database migrate it once, and all of them serve",
    coldStarts({ servers: 3 }),
    { acknowledged: 1 },
  ],
]);
