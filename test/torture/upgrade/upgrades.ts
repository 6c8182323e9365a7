import { emptyDatabase } from "../../support/database.js";
import type { Attack } from "../runner/attack.js";
import { earlierStates } from "./old-database.js";
import { upgrade } from "./upgrading.js";

/** Upgrades a salon from every earlier state of the schema. */
export function upgrades(): Attack {
  return {
    name: "upgrades",
    describe:
      "Data written under every earlier migration, with rows of older definitions, an unfinished sweep and a deferred event: after the newest migrations and one sweep the tables are those of a new database, and the sanity check passes.",
    share: 0.5,
    async run(context) {
      const { tally } = context;
      const newest = await context.openDatabase();
      const old = await context.openDatabase();
      const empty = () => emptyDatabase(newest.database);
      for (const round of context.rounds()) {
        for (const last of await earlierStates()) {
          const seed = `${context.seed}-${round}-${last}`;
          const { wrong, rows, events } = await upgrade(newest.database, old.database, { last, seed, empty });
          tally.fault();
          tally.counts.sent += events;
          tally.counts.acknowledged += events;
          tally.compared(rows, wrong.length, wrong);
          if (context.remaining() === 0 && round > 0) break;
        }
      }
    },
  };
}
