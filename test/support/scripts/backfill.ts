// backfill DATABASE_URL|"" DATA_DIR|"" SQUARE_URL ORGANIZATION: backfills without waiting between requests, and
// prints the result.
import { openDatabase } from "../../../src/database/database.js";
import { backfill } from "../../../src/pull/backfill.js";
import { openScriptContext } from "../square-context.js";

const [databaseUrl = "", dataDir = "", squareUrl = "", organizationId = ""] = process.argv.slice(2);
const database = await openDatabase({ ...(databaseUrl && { databaseUrl }), dataDir, role: "command" });
const steps = backfill(openScriptContext(database, squareUrl), organizationId, {});
for (;;) {
  const { value, done } = await steps.next();
  if (!done) continue;
  console.log(JSON.stringify({ applied: value.pulled.applied, resumed: value.resumed }));
  break;
}
await database.close();
