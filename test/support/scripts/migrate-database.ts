// migrate-database URL: migrates a Postgres database, and prints the names of the migrations it applied.
import { openDatabase } from "../../../src/database/database.js";
import { migrate } from "../../../src/database/migrate.js";

const [databaseUrl = ""] = process.argv.slice(2);
const database = await openDatabase({ databaseUrl, dataDir: "", role: "command" });
for (const name of await migrate(database)) console.log(name);
await database.close();
