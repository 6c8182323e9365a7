import { Command, Option } from "commander";
import { definitionVersion } from "../analytics/column.js";
import { countProfiles, type RefreshMode, resumeRefresh } from "../analytics/refresh.js";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { clearPositions } from "../database/positions.js";
import { print, withDatabase } from "./context.js";
import { jsonOption } from "./options.js";
import { Progress } from "./progress.js";

interface Options {
  readonly mode: RefreshMode;
  readonly restart?: boolean;
  readonly json?: boolean;
}

/** A run that was interrupted earlier than this starts over, because its first rows may be out of date again. */
const RESUMABLE_MS = 24 * 3600 * 1000;

const HELP = `
Examples:
  regulars refresh --mode recent
  regulars refresh --mode full --restart`;

export function refreshCommand(): Command {
  return new Command("refresh")
    .description(
      "Recompute customer_analytics of every organization. A run that was interrupted within the last day continues where " +
        "it stopped.",
    )
    .addOption(
      new Option("--mode <mode>", "full: all rows; recent: rows that came due or have an older definition")
        .choices(["full", "recent"])
        .default("full"),
    )
    .option("--restart", "start over, even if an earlier run was interrupted")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      await withDatabase((database) => refresh(database, options));
    });
}

async function refresh(database: Database, { mode, restart, json }: Options): Promise<void> {
  const started = performance.now();
  const organizations = await database.prisma.organization.findMany({
    orderBy: { id: "asc" },
    select: { id: true },
  });
  const totals = { organizations: organizations.length, checked: 0, written: 0, deleted: 0 };
  let resumed = false;
  // A run with another definition version does not continue this one.
  const task = `refresh/${mode}/${definitionVersion}`;
  for (const { id } of organizations) {
    if (restart) await clearPositions(database.pool, id, "refresh/");
    const done = await refreshOne(database, id, mode, task);
    totals.checked += done.checked;
    totals.written += done.written;
    totals.deleted += done.deleted;
    resumed ||= done.resumed;
  }
  // Cleared only at the end, so that an interrupted run does not repeat finished organizations.
  for (const { id } of organizations) await clearPositions(database.pool, id, "refresh/");
  const ms = Math.round(performance.now() - started);
  print(json, { mode, ...totals, resumed, ms }, [
    `${totals.checked} customers checked, ${totals.written} rows written, ${totals.deleted} deleted in ${ms} ms` +
      (resumed ? " (continued from an earlier run)" : ""),
  ]);
}

async function refreshOne({ pool }: Database, organizationId: string, mode: RefreshMode, task: string) {
  const total = mode === "full" ? await countProfiles(pool, organizationId) : undefined;
  const progress = new Progress("customers", total);
  let done = { checked: 0, written: 0, deleted: 0, resumed: false };
  for await (const step of resumeRefresh(pool, organizationId, mode, systemClock, task, RESUMABLE_MS)) {
    done = step;
    progress.update(done.checked);
  }
  progress.end();
  return done;
}
