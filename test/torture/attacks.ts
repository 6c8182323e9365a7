/** Every attack of `npm run torture`, in the order in which they run. */
import { convergence, convergenceOfProcesses } from "./convergence/convergence.js";
import { embeddedKills } from "./crash/embedded-kills.js";
import { postgresCrashes } from "./crash/postgres-crashes.js";
import { serverKills } from "./crash/server-kills.js";
import { guests } from "./guests/guests.js";
import { hostileRequests } from "./hostile/hostile-requests.js";
import { rawBytes } from "./hostile/raw-bytes.js";
import { badNetwork } from "./networks/bad-network.js";
import { drain } from "./networks/drain.js";
import { exhaustion } from "./networks/exhaustion.js";
import { lostAnswers } from "./networks/lost-answers.js";
import { overload } from "./networks/overload.js";
import { slowClients } from "./networks/slow-clients.js";
import { clockJumps } from "./poison/clock-jumps.js";
import { failingHandler } from "./poison/failing-handler.js";
import { hugeCustomer } from "./poison/huge-customer.js";
import { coldStarts } from "./races/cold-starts.js";
import { hammer } from "./races/hammer.js";
import { reconciling } from "./races/reconciling.js";
import type { Attack } from "./runner/attack.js";
import { twinSalons } from "./tenancy/twin-salons.js";
import { upgrades } from "./upgrade/upgrades.js";

export const attacks: readonly Attack[] = [
  convergence({ stories: 500 }),
  convergenceOfProcesses({ stories: 200, servers: 3 }),
  serverKills({ customers: 30, events: 120, withinMs: 200 }),
  postgresCrashes({ customers: 30, events: 120, withinMs: 200 }),
  embeddedKills({ customers: 10, events: 100, withinMs: 800 }),
  guests({ customers: 10, events: 1_000 }),
  hammer({ servers: 8, connections: 64, customers: 5 }),
  reconciling({ servers: 2, customers: 20 }),
  coldStarts({ servers: 10 }),
  upgrades(),
  badNetwork({ delay: 3, trickle: 2, reset: 4, refuse: 2, pause: 3, silence: 1, "half-open": 2 }, 40),
  lostAnswers({ customers: 8 }),
  overload(),
  exhaustion(),
  slowClients({ clients: 600, untilCut: true }),
  drain({ customers: 10, frozenEvery: 5 }),
  hostileRequests({ atMost: 100_000 }),
  rawBytes(),
  twinSalons({ customers: 12 }),
  failingHandler({ customers: 20 }),
  hugeCustomer({ bookings: 20_000, events: 50 }),
  clockJumps({ customers: 4 }),
];
