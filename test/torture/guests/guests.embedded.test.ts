import { migratedDataDir } from "../../support/database.js";
import { testAttacks } from "../runner/short-form.js";
import { guests } from "./guests.js";

testAttacks([
  [
    "whatever clients of its socket do, a server on the embedded database answers every webhook and keeps every row exact",
    guests({ customers: 4, events: 200 }, await migratedDataDir()),
    { faults: 9, acknowledged: 100, rowsCompared: 3 },
  ],
]);
