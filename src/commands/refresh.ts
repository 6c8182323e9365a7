import { Command, Option } from "commander";
import { definitionVersion } from "../analytics/column.js";
import {
  countAnalyticsRows,
  type RefreshMode,
  type RefreshProgress,
  refreshOrganization,
} from "../analytics/refresh.js";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { print, withDatabase } from "./context.js";
import { Progress } from "./progress.js";

interface Options {
  readonly mode: RefreshMode;
  readonly restart?: boolean;
  readonly json?: boolean;
}

/** What an older run has done may be out of date again by now. */
const RESUMABLE_MS = 24 * 3600 * 1000;

/** Under this log_type a run keeps its place, so that the next one goes on where it was killed. */
const LOG_TYPE = "refresh";

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
    .option("--restart", "begin anew even if an earlier run was cut off")
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
  for (const { id } of organizations) {
    const run = await openRun(database, id, mode, restart === true);
    resumed ||= run.after !== "";
    const done = await refreshOne(database, id, mode, run);
    totals.checked += done.checked;
    totals.written += done.written;
    totals.deleted += done.deleted;
  }
  const ms = Math.round(performance.now() - started);
  print(json, { mode, ...totals, resumed, ms }, [
    `${totals.checked} customers checked, ${totals.written} rows written, ${totals.deleted} deleted in ${ms} ms` +
      (resumed ? " (continued from an earlier run)" : ""),
  ]);
}

async function refreshOne(database: Database, organizationId: string, mode: RefreshMode, run: Run) {
  const total = mode === "full" ? await countAnalyticsRows(database.pool, organizationId) : undefined;
  const progress = new Progress("customers", total);
  let done: RefreshProgress = { after: run.after, checked: 0, written: 0, deleted: 0 };
  for await (const step of refreshOrganization(database.pool, organizationId, mode, systemClock, run.after)) {
    done = step;
    progress.update(done.checked);
    await run.save(done, "processing");
  }
  await run.save(done, "completed");
  progress.end();
  return done;
}

interface Run {
  /** The last customer an earlier run had done; empty to begin anew. */
  readonly after: string;
  save(progress: RefreshProgress, status: "processing" | "completed"): Promise<void>;
}

/** Goes on with a run of a day at most that was cut off, under the same definitions; else begins one. */
async function openRun(
  database: Database,
  organizationId: string,
  mode: RefreshMode,
  restart: boolean,
): Promise<Run> {
  const { applicationLog } = database.prisma;
  const kind = { mode, definition_version: definitionVersion };
  const cutOff = await applicationLog.findFirst({
    where: {
      organizationId,
      logType: LOG_TYPE,
      status: "processing",
      createdAt: { gt: new Date(systemClock().getTime() - RESUMABLE_MS) },
      AND: Object.entries(kind).map(([name, equals]) => ({ payload: { path: [name], equals } })),
    },
    orderBy: { createdAt: "desc" },
  });
  const startedAt = cutOff?.createdAt ?? systemClock();
  const { logId } =
    cutOff ??
    (await applicationLog.create({
      data: {
        organizationId,
        logType: LOG_TYPE,
        status: "processing",
        createdAt: startedAt,
        payload: kind,
      },
    }));
  const after = (cutOff?.payload as { after?: unknown } | undefined)?.after;
  return {
    after: !restart && typeof after === "string" ? after : "",
    save: async (progress, status) => {
      const now = systemClock();
      await applicationLog.update({
        where: { logId },
        data: {
          status,
          payload: { ...kind, ...progress },
          ...(status === "completed" && {
            completedAt: now,
            durationMs: now.getTime() - startedAt.getTime(),
          }),
        },
      });
    },
  };
}
