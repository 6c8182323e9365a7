import { Command } from "commander";
import { systemClock } from "../clock.js";
import { type Database, openDatabase } from "../database/database.js";
import { checkSchema, type MigrationStatus, migrate, migrationStatus } from "../database/migrate.js";
import { SchemaMismatch } from "../errors.js";
import { makeEventMonths } from "../inbox/event-months.js";
import { requireUsableDatabase } from "../operations/database-checks.js";
import { commandConfig, print } from "./context.js";
import { jsonOption } from "./options.js";
import { Progress } from "./progress.js";

interface Options {
  readonly status?: boolean;
  readonly json?: boolean;
}

const HELP = `
With --status nothing is changed. Each migration is "expand" or "contract":
  expand     it only adds; servers of the release before it go on running, during the upgrade and after a rollback
  contract   it changes what the release before needs; stop those servers first
Exits 1 when this release cannot run on the schema.

Examples:
  regulars migrate
  regulars migrate --status
  regulars migrate --status --json | jq '.migrations[] | select(.status == "pending")'`;

export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Bring the database's schema up to date. Several processes may run it at once.")
    .option("--status", "list which migrations were applied and which are pending, and change nothing")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async ({ status, json }: Options) => {
      const database = await openDatabase({ ...commandConfig().database, role: "command" });
      try {
        if (status) await showStatus(database, json);
        else await applyAll(database, json);
      } finally {
        await database.close();
      }
    });
}

async function applyAll(database: Database, json: boolean | undefined): Promise<void> {
  await requireUsableDatabase(database, { writes: true });
  let progress: Progress | undefined;
  const applied = await migrate(database, undefined, (done, total) => {
    if (total === 0) return;
    progress ??= new Progress("migrations", total);
    progress.update(done);
  }).finally(() => progress?.end());
  await makeEventMonths(database.pool, systemClock());
  const lines = applied.length > 0 ? applied.map((name) => `applied ${name}`) : "The schema is current.";
  print(json, { applied }, lines);
}

async function showStatus(database: Database, json: boolean | undefined): Promise<void> {
  await requireUsableDatabase(database, { writes: false });
  const migrations = await migrationStatus(database);
  const verdict = await checkSchema(database).catch((error) => {
    if (error instanceof SchemaMismatch) return error;
    throw error;
  });
  const mismatch = verdict instanceof SchemaMismatch ? verdict.message : null;
  const pending = migrations.filter(({ status }) => status === "pending");
  const stopFirst = pending.some(({ kind }) => kind === "contract");
  const lines = [
    ...migrations.map(describe),
    mismatch ? `${mismatch}.` : adviceFor(pending.length, stopFirst),
  ];
  print(json, { migrations, pending: pending.length, stop_servers_first: stopFirst, mismatch }, lines);
  if (mismatch) process.exitCode = 1;
}

function describe({ name, status, applied_at, kind }: MigrationStatus): string {
  const when = applied_at ? applied_at.toISOString().slice(0, 19).concat("Z") : "";
  return `${status.padEnd(8)} ${kind.padEnd(9)} ${when.padEnd(21)} ${name}`;
}

function adviceFor(pending: number, stopFirst: boolean): string {
  if (pending === 0) return "The schema is current for this release.";
  const advice = stopFirst
    ? "Stop the servers of earlier releases first."
    : "Servers of the release before may go on running.";
  return `${pending} pending. ${advice}`;
}
