// open-database DATA_DIR ROLE [STAY_MS]: opens the embedded database, prints a line, waits STAY_MS (by default for
// ever) and closes. It prints "refused CODE" when the database refuses it.
import { setTimeout as wait } from "node:timers/promises";
import { openDatabase } from "../../../src/database/database.js";
import { RegularsError } from "../../../src/errors.js";

const [dataDir = "", role, stayMs] = process.argv.slice(2);
try {
  const database = await openDatabase({ dataDir, role: role === "server" ? "server" : "command" });
  console.log(`open ${process.pid}`);
  await wait(stayMs === undefined ? 2 ** 31 - 1 : Number(stayMs));
  await database.close();
  console.log("closed");
} catch (error) {
  if (!(error instanceof RegularsError)) throw error;
  console.log(`refused ${error.code}`);
}
