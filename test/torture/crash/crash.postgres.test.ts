import { testAttacks } from "../runner/short-form.js";
import { postgresCrashes } from "./postgres-crashes.js";
import { whyNoCluster } from "./private-cluster.js";
import { serverKills } from "./server-kills.js";

const load = { customers: 4, events: 90, withinMs: 150 };

testAttacks([
  [
    "a killed server loses no event that it answered, counts none twice, and starts again without manual repair",
    serverKills(load),
    { faults: 3, rowsCompared: 1 },
    { rounds: 3 },
  ],
  [
    "a crash of Postgres loses no event that was answered, and the server goes on",
    postgresCrashes(load),
    { faults: 3, rowsCompared: 1 },
    { rounds: 3, unless: await whyNoCluster() },
  ],
]);
