// sweep WHERE MODE NOW: one sweep of the embedded database in the folder WHERE, or of the Postgres at the address WHERE, at the
// instant NOW. Prints a line for each step forward, and at the end the answer as JSON.
import { handlerFor } from "../../../handlers/registry.js";
import { openDatabase } from "../../../src/database/database.js";
import { Inbox } from "../../../src/inbox/inbox.js";
import { silentLog } from "../../../src/log.js";
import { sweep } from "../../../src/reconcile/sweep.js";

const [where = "", mode, now = ""] = process.argv.slice(2);
const database = await openDatabase({
  ...(where.startsWith("postgres") ? { databaseUrl: where, dataDir: "" } : { dataDir: where }),
  role: "command",
});
const clock = () => new Date(now);
const answer = await sweep(
  {
    database,
    clock,
    log: silentLog,
    inbox: new Inbox({ database, clock, log: silentLog, findHandler: handlerFor }),
    openApi: () => {
      throw new Error("no organization here has a token");
    },
  },
  mode === "full" ? "full" : "recent",
  { onProgress: ({ step, done }) => console.log(`${step} ${done}`) },
);
console.log(JSON.stringify(answer));
await database.close();
