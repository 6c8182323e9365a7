import { testAttacks } from "../runner/short-form.js";
import { postgresCrashes } from "./postgres-crashes.js";
import { whyNoCluster } from "./private-cluster.js";
import { serverKills } from "./server-kills.js";

const load = { customers: 4, events: 90, withinMs: 150 };

testAttacks([
  [
    "a killed server loses nothing that it answered, doubles nothing, and starts again by itself",
    serverKills(load),
    { faults: 3, rowsCompared: 1 },
    { rounds: 3 },
  ],
  [
    "a crashed Postgres costs nothing that was answered, and the server outlives it",
    postgresCrashes(load),
    { faults: 3, rowsCompared: 1 },
    { rounds: 3, unless: await whyNoCluster() },
  ],
]);
