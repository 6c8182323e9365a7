import { Command, Option } from "commander";
import { definitionVersion } from "../analytics/column.js";
import { countAnalyticsRows, type RefreshMode, resumeRefresh } from "../analytics/refresh.js";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { clearPositions } from "../database/positions.js";
import { print, withDatabase } from "./context.js";
import { Progress } from "./progress.js";

interface Options {
  readonly mode: RefreshMode;
  readonly restart?: boolean;
  readonly json?: boolean;
}

/** What an older run has done may be out of date again by now. */
const RESUMABLE_MS = 24 * 3600 * 1000;

export function refreshCommand(): Command {
  return new Command("refresh")
    .description(
      "Recompute customer_analytics of every organization. A run that was cut off within the last day is continued.",
    )
    .addOption(
      new Option("--mode <mode>", "full: everybody; recent: rows that came due or are of an older definition")
        .choices(["full", "recent"])
        .default("full"),
    )
    .option("--restart", "start over even if an earlier run was cut off")
    .option("--json", "print one JSON object")
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
  // A run under other definitions is another task.
  const task = `refresh/${mode}/${definitionVersion}`;
  for (const { id } of organizations) {
    if (restart) await clearPositions(database.pool, id, "refresh/");
    const done = await refreshOne(database, id, mode, task);
    totals.checked += done.checked;
    totals.written += done.written;
    totals.deleted += done.deleted;
    resumed ||= done.resumed;
  }
  // Cleared only now: a run that is cut off at the last organization goes on there.
  for (const { id } of organizations) await clearPositions(database.pool, id, "refresh/");
  const ms = Math.round(performance.now() - started);
  print(json, { mode, ...totals, resumed, ms }, [
    `${totals.checked} customers checked, ${totals.written} rows written, ${totals.deleted} deleted in ${ms} ms` +
      (resumed ? " (continued from an earlier run)" : ""),
  ]);
}

async function refreshOne({ pool }: Database, organizationId: string, mode: RefreshMode, task: string) {
  const total = mode === "full" ? await countAnalyticsRows(pool, organizationId) : undefined;
  const progress = new Progress("customers", total);
  let done = { checked: 0, written: 0, deleted: 0, resumed: false };
  for await (const step of resumeRefresh(pool, organizationId, mode, systemClock, task, RESUMABLE_MS)) {
    done = step;
    progress.update(done.checked);
  }
  progress.end();
  return done;
}
