import { migratedDataDir } from "../../support/database.js";
import { testAttacks } from "../runner/short-form.js";
import { embeddedKills } from "./embedded-kills.js";

testAttacks([
  [
    "a server killed with its embedded database loses nothing that it answered, and the next takes over",
    embeddedKills({ customers: 2, events: 60, withinMs: 400 }, await migratedDataDir()),
    { faults: 2, rowsCompared: 1 },
    { rounds: 2 },
  ],
]);
