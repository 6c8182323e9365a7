import { testAttacks } from "../runner/short-form.js";
import { badNetwork } from "./bad-network.js";
import { drain } from "./drain.js";
import { exhaustion } from "./exhaustion.js";
import { lostAnswers } from "./lost-answers.js";
import { overload } from "./overload.js";
import { slowClients } from "./slow-clients.js";

testAttacks([
  [
    "a connection to Postgres that is slow, reset, refused or half-open loses nothing and doubles nothing",
    badNetwork({ delay: 2, trickle: 1, reset: 4, refuse: 2, pause: 1 }, 3),
    { faults: 1, rowsCompared: 1 },
  ],
  [
    "an event whose commit or answer got lost is stored, and a duplicate when it comes again, and counted once",
    lostAnswers({ customers: 2 }),
    { "commits whose answer was lost": 1, rowsCompared: 1 },
  ],
  [
    "a server that can hold no more says 503 and keeps what it took",
    overload(),
    { acknowledged: 2_001, rowsCompared: 1 },
  ],
  [
    "without a free connection events are refused with 503, and counted once there is one",
    exhaustion(),
    { rowsCompared: 1 },
  ],
  [
    "clients that never end their request keep nobody out, and take a bounded amount of memory",
    slowClients({ clients: 600, untilCut: false }),
    { acknowledged: 1 },
  ],
  [
    "a server that is asked to stop finishes what it took and waits for nobody who sends half a request",
    drain({ customers: 2 }),
    { acknowledged: 1, rowsCompared: 1 },
  ],
]);
