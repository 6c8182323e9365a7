import { testAttacks } from "../runner/short-form.js";
import { hostileRequests } from "./hostile-requests.js";
import { rawBytes } from "./raw-bytes.js";

testAttacks([
  [
    "every request is answered, 503 is the only 5xx, and nothing is stored without a valid signature",
    hostileRequests({ atMost: 2_000 }),
    {
      faults: 2_000,
      "events stored": 301,
      ...Object.fromEntries([200, 202, 400, 401, 404, 413, 415].map((status) => [`answered ${status}`, 1])),
    },
    { rounds: 4 },
  ],
  [
    "bytes that are not HTTP are refused or disconnected, and the server goes on",
    rawBytes(),
    { faults: 120 },
    { rounds: 2 },
  ],
]);
