import { testAttacks } from "../runner/short-form.js";
import { hostileRequests } from "./hostile-requests.js";
import { rawBytes } from "./raw-bytes.js";

testAttacks([
  [
    "whatever is sent is answered, and never with a failure of ours; nothing is stored without its signature",
    hostileRequests({ atMost: 2_000 }),
    {
      faults: 2_000,
      "events stored": 301,
      ...Object.fromEntries([200, 202, 400, 401, 404, 413, 415].map((status) => [`answered ${status}`, 1])),
    },
    { rounds: 4 },
  ],
  [
    "bytes that are no delivery are refused or cut off, and never a failure of ours",
    rawBytes(),
    { faults: 120 },
    { rounds: 2 },
  ],
]);
