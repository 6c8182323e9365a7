import { Command, Option } from "commander";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { openLog } from "../log.js";
import type { SweepMode, SweepProgress, SweepReport, SweepStep } from "../sweep/report.js";
import { type SweepOptions, sweep } from "../sweep/sweep.js";
import { startTracing } from "../tracing.js";
import { print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption, wholeNumber } from "./options.js";
import { Progress } from "./progress.js";
import { sweepContext } from "./sweep-context.js";

interface Options {
  readonly mode: SweepMode;
  readonly timeBudget?: number;
  readonly json?: boolean;
}

const HELP = `
Examples:
  regulars reconcile
  regulars reconcile --mode full --json`;

export function reconcileCommand(): Command {
  return new Command("reconcile")
    .description(
      "Run one sweep: try deferred events again, recompute rows that came due, pull from Square what webhooks missed, " +
        "compare rows with their recomputation, and correct them. Exits 1 when a part failed.",
    )
    .addOption(
      new Option("--mode <mode>", "recent: what changed, and rows within the time budget; full: everything")
        .choices(["recent", "full"])
        .default("recent"),
    )
    .option(
      "--time-budget <seconds>",
      "how long the sweep may read from Square (half of it) and compare rows; the next one continues there. A full sweep " +
        "compares all rows, however long it takes (default: 300, full: 7200)",
      wholeNumber(0),
    )
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      await withDatabase((database, config) => reconcile(database, config, options));
    });
}

async function reconcile(database: Database, config: Config, { mode, timeBudget, json }: Options) {
  const { onProgress, end } = withProgress();
  const options: SweepOptions = {
    ...(timeBudget !== undefined && { timeBudgetMs: timeBudget * 1000 }),
    retention: config.retention,
    onProgress,
  };
  const context = sweepContext(database, config, { signal: signalOfStop() });
  const stopTracing = config.tracing && (await startTracing(config.tracing, openLog("warn", process.stderr)));
  const answer = await sweep(context, mode, options).finally(async () => {
    end();
    await stopTracing?.();
  });
  print(json, answer, "skipped" in answer ? "Another sweep is running. Nothing was done." : linesOf(answer));
  if (!answer.success) process.exitCode = 1;
}

const WHAT: Readonly<Record<SweepStep, string>> = {
  events: "deferred events tried again",
  due: "organizations with rows that came due",
  pull: "organizations pulled",
  check: "rows compared",
  days: "organizations whose past days are kept",
  retention: "old rows removed",
};

/** One line of progress for each step. */
function withProgress() {
  let shown: { step: SweepStep; progress: Progress } | undefined;
  const end = () => shown?.progress.end();
  const onProgress = ({ step, done, total }: SweepProgress) => {
    if (shown?.step !== step) {
      end();
      shown = { step, progress: new Progress(WHAT[step], total) };
    }
    shown.progress.update(done);
  };
  return { onProgress, end };
}

function linesOf(report: SweepReport): string[] {
  const { pulled } = report;
  const fromSquare = Object.entries(pulled).map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`);
  return [
    `Deferred events tried again: ${report.events_retried}.`,
    `From Square: ${fromSquare.join(", ")}.`,
    `Rows compared: ${report.checked}${report.complete ? "" : " (not all; the next sweep continues there)"}.`,
    `Changed by the clock alone: ${report.time_decayed}. Drifted: ${report.drifted}, corrected: ${report.corrected}. ` +
      `Created: ${report.created}. Deleted: ${report.deleted}.`,
    ...report.drift.map(({ column, rows }) => `  ${column}: ${rows}`),
    ...report.errors.map(({ step, message }) => `Error in ${step}: ${message}`),
    ...(report.waiting.organizations > 0
      ? [
          `${report.waiting.organizations} organization(s) were not pulled completely. The next sweep continues there.`,
        ]
      : []),
    `Done in ${seconds(report.duration_ms)} (${report.steps.map(({ step, duration_ms }) => `${step} ${seconds(duration_ms)}`).join(", ")}).`,
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
