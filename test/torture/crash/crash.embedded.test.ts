import { migratedDataDir } from "../../support/database.js";
import { testAttacks } from "../runner/short-form.js";
import { embeddedKills } from "./embedded-kills.js";

testAttacks([
  [
    "a killed server with its embedded database loses no event that it answered, and the next server takes over",
    embeddedKills({ customers: 2, events: 60, withinMs: 400 }, await migratedDataDir()),
    { faults: 2, rowsCompared: 1 },
    { rounds: 2 },
  ],
]);
