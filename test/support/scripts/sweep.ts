// sweep WHERE MODE NOW [SQUARE_URL]: one sweep of the embedded database in the folder WHERE, or of the Postgres at the address WHERE, at the
// instant NOW, asking the Square at that address if one is given. Prints a line for each step forward, and at the end the answer as JSON.
import { openDatabase } from "../../../src/database/database.js";
import { sweep } from "../../../src/sweep/sweep.js";
import { openScriptContext } from "../square-context.js";

const [where = "", mode, now = "", squareUrl = "http://127.0.0.1:9"] = process.argv.slice(2);
const database = await openDatabase({
  ...(where.startsWith("postgres") ? { databaseUrl: where, dataDir: "" } : { dataDir: where }),
  role: "command",
});
const answer = await sweep(
  openScriptContext(database, squareUrl, () => new Date(now)),
  mode === "full" ? "full" : "recent",
  { onProgress: ({ step, done }) => console.log(`${step} ${done}`) },
);
console.log(JSON.stringify(answer));
await database.close();
