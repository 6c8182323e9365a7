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
    "an event whose commit or answer is lost is stored, is a duplicate when it comes again, and counts once",
    lostAnswers({ customers: 2 }),
    { "commits whose answer was lost": 1, rowsCompared: 1 },
  ],
  [
    "a full server answers 503 and keeps the events that it accepted",
    overload(),
    { acknowledged: 2_001, rowsCompared: 1 },
  ],
  [
    "without a database connection events are answered 503, and are counted when there is one again",
    exhaustion(),
    { rowsCompared: 1 },
  ],
  [
    "clients that never end their request exclude nobody, and use a bounded amount of memory",
    slowClients({ clients: 600, untilCut: false }),
    { acknowledged: 1 },
  ],
  [
    "a server that is asked to stop finishes what it took and waits for nobody who sends half a request",
    drain({ customers: 2 }),
    { acknowledged: 1, rowsCompared: 1 },
  ],
]);
