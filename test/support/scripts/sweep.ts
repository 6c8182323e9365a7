// sweep WHERE MODE NOW [SQUARE_URL]: runs one sweep at the instant NOW. WHERE is the folder of an embedded database
// or the address of a Postgres. SQUARE_URL is the Square to pull from. It prints a line for each report of progress,
// and at the end the answer as JSON.
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
