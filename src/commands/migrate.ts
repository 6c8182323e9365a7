import { Command } from "commander";
import { openDatabase } from "../database/database.js";
import { migrate } from "../database/migrate.js";
import { requireUsableDatabase } from "../operations/database-checks.js";
import { commandConfig, print } from "./context.js";

export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Bring the database's schema up to date. Several processes may run it at once.")
    .option("--json", "print one JSON object")
    .action(async ({ json }: { json?: boolean }) => {
      const database = await openDatabase({ ...commandConfig().database, role: "command" });
      try {
        await requireUsableDatabase(database, { writes: true });
        const applied = await migrate(database);
        const lines =
          applied.length > 0 ? applied.map((name) => `applied ${name}`) : "The schema is current.";
        print(json, { applied }, lines);
      } finally {
        await database.close();
      }
    });
}
