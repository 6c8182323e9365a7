import { Command } from "commander";
import { systemClock } from "../clock.js";
import { openDatabase } from "../database/database.js";
import { backUp } from "../database/embedded/backup.js";
import { restore } from "../database/embedded/restore.js";
import { RegularsError } from "../errors.js";
import { commandConfig, note, print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption } from "./options.js";
import { Progress } from "./progress.js";
import { checkAndPrint } from "./sanity-check.js";

const MEGABYTE = 1_000_000;

const BACKUP_HELP = `
The server may go on running. Its clients wait only while the files are copied that changed during the backup. The
file appears under its name when it is complete. Until then it is called FILE.part. Only its owner can read it.
It holds personal data and encrypted tokens. TOKEN_ENCRYPTION_KEY is not in it: keep that key elsewhere.

Examples:
  regulars backup regulars.tar.gz
  DATA_DIR=/var/lib/regulars regulars backup --json "/backups/$(date +%F).tar.gz"`;

const RESTORE_HELP = `
DATA_DIR must hold no database, and no server may run on it. Nothing is there under the database's name before the whole
file was read and the database has been opened. Then the schema is brought up to date and the sanity check runs. Exits
1 when a check fails.

Examples:
  DATA_DIR=/var/lib/regulars regulars restore regulars.tar.gz`;

export function backupCommand(): Command {
  return new Command("backup")
    .description("Write a consistent copy of the embedded database to a file, while the server runs.")
    .argument("<file>", "the file to write; it must not exist")
    .addOption(jsonOption())
    .addHelpText("after", BACKUP_HELP)
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { database: config } = commandConfig();
      if (config.databaseUrl !== undefined)
        refusePostgres(`pg_dump --format=custom --file=FILE ${address()}`);
      const signal = signalOfStop();
      const database = await openDatabase({ ...config, role: "command" });
      try {
        // Two backups into one file would mix their bytes.
        const report = await database.exclusively("backup", () =>
          writeBackup(file, config.dataDir, database.pool, signal),
        );
        if (!report)
          throw new RegularsError("already_running", "Another backup of this database is running.");
        const { files, bytes, held_ms } = report;
        const size = `${(bytes / MEGABYTE).toFixed(1)} MB in ${files} files`;
        print(
          json,
          { file, ...report },
          `${file} holds the database: ${size}. Its clients waited ${held_ms} ms.`,
        );
      } finally {
        await database.close();
      }
    });
}

async function writeBackup(
  file: string,
  dataDir: string,
  pool: Parameters<typeof backUp>[1]["pool"],
  signal: AbortSignal,
) {
  let progress: Progress | undefined;
  try {
    const onProgress = (bytes: number, total: number) => {
      progress ??= new Progress("MB", Math.round(total / MEGABYTE));
      progress.update(Math.round(bytes / MEGABYTE));
    };
    return await backUp(file, { dataDir, pool, signal, now: systemClock(), onProgress });
  } finally {
    progress?.end();
  }
}

export function restoreCommand(): Command {
  return new Command("restore")
    .description("Put a backup's database into a DATA_DIR that holds none, and check it.")
    .argument("<file>", "a file that backup wrote")
    .addOption(jsonOption())
    .addHelpText("after", RESTORE_HELP)
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { database: config } = commandConfig();
      if (config.databaseUrl !== undefined) {
        refusePostgres(`pg_restore --exit-on-error --no-owner --dbname=${address()} FILE`);
      }
      const { made_at } = await restore(file, config.dataDir, signalOfStop());
      if (!json) note(`The database of ${made_at} is in ${config.dataDir}.`);
      const steps = await withDatabase((database) => checkAndPrint(database, { all: false, json }));
      const passed = steps.every((step) => step.passed);
      if (json) print(true, { data_dir: config.dataDir, made_at, passed, steps }, []);
      if (!passed) process.exitCode = 1;
    });
}

/** The address itself may hold a password, so the shell inserts it. */
function address(): string {
  return process.env.DATABASE_URL?.trim() ? '"$DATABASE_URL"' : '"$(cat "$DATABASE_URL_FILE")"';
}

function refusePostgres(line: string): never {
  const message = `DATABASE_URL names a Postgres, and this command is for the embedded database. Use instead:\n  ${line}`;
  throw new RegularsError("not_embedded", message);
}
