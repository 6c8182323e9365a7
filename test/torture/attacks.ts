/** Every attack of `npm run torture`, in the order in which they run. */
import { badNetwork } from "./networks/bad-network.js";
import { drain } from "./networks/drain.js";
import type { Attack } from "./runner/attack.js";

export const attacks: readonly Attack[] = [
  badNetwork({ delay: 3, trickle: 2, reset: 4, refuse: 2, pause: 3, silence: 1, "half-open": 2 }, 40),
  drain({ customers: 10, frozenEvery: 5 }),
];
