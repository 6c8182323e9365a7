import { isUnavailable } from "../database/failures.js";
import { checkEverybody } from "../drift/check-everybody.js";
import { correctDue } from "../drift/due.js";
import { pullOrganization } from "../pull/pull-organization.js";
import { SquareApiError } from "../square/api/api-error.js";
import type { SweepContext } from "./context.js";
import { emptyReport, type SweepMode, type SweepReport } from "./report.js";
import { dropOld, EVENT_RETENTION_DAYS } from "./retention.js";
import { openSweepLog, saveSweepLog } from "./sweep-log.js";
import { driftRunOf, noteFailure, type SweepProgress, type SweepRun, type SweepStep } from "./sweep-run.js";

export interface SweepOptions {
  /** How long a recent sweep may go on comparing rows; 5 minutes unless given. A full one takes the time it needs. */
  readonly timeBudgetMs?: number;
  /** 90 unless given. */
  readonly eventRetentionDays?: number;
  readonly onProgress?: (progress: SweepProgress) => void;
}

/** Another process is at it, or another part of this one. */
export interface SkippedSweep {
  readonly success: true;
  readonly skipped: "already_running";
}

const TIME_BUDGET_MS = 5 * 60_000;

/** How often a sweep's row says how far it is, in milliseconds. */
const SAVE_EVERY_MS = 1_000;

/**
 * The reconciliation sweep (contract section 6): deferred events are tried again, what webhooks missed is pulled from Square,
 * rows that came due are recomputed, rows are compared with their recomputation and corrected, and what is too old is
 * removed. One sweep at a time runs on a database.
 *
 * What cannot be done is noted in the report's `errors` and stops nothing else. When `context.signal` is aborted, the sweep
 * ends at the next safe place, and the next one goes on there.
 *
 * @throws only when the database is unavailable
 */
export async function sweep(
  context: SweepContext,
  mode: SweepMode,
  options: SweepOptions = {},
): Promise<SweepReport | SkippedSweep> {
  const report = await context.database.exclusively("sweep", (lost) => {
    const signal = context.signal ? AbortSignal.any([lost, context.signal]) : lost;
    return sweepAlone({ ...context, signal }, mode, options);
  });
  return report ?? { success: true, skipped: "already_running" };
}

async function sweepAlone(
  context: SweepRun["context"],
  mode: SweepMode,
  options: SweepOptions,
): Promise<SweepReport> {
  const started = performance.now();
  const report = emptyReport(await openSweepLog(context, mode), mode);
  const run = {
    context,
    report,
    onProgress: options.onProgress ?? (() => {}),
    saveReport: saver(context, report),
  };
  const end = async () => {
    report.success = report.errors.length === 0;
    report.duration_ms = Math.round(performance.now() - started);
    await saveSweepLog(context, report, report.success ? "completed" : "error");
  };
  try {
    await runSteps(run, options);
  } catch (error) {
    // The next sweep closes the row if this one cannot.
    await end().catch(() => {});
    throw error;
  }
  await end();
  tell(context, report);
  return report;
}

async function runSteps(run: SweepRun, options: SweepOptions): Promise<void> {
  const { context, report } = run;
  const full = report.mode === "full";
  const budget = full ? Number.POSITIVE_INFINITY : (options.timeBudgetMs ?? TIME_BUDGET_MS);
  const steps: [step: SweepStep, work: () => Promise<void>][] = [
    ["events", () => retryDeferred(run)],
    ["pull", () => forEachOrganization(run, "pull", (id) => pullOrganization(context, id, full, report))],
    // A full check finds these too.
    [
      "due",
      () =>
        full ? Promise.resolve() : forEachOrganization(run, "due", (id) => correctDue(driftRunOf(run), id)),
    ],
    ["check", () => checkEverybody(driftRunOf(run), budget)],
    ["retention", () => dropOld(run, options.eventRetentionDays ?? EVENT_RETENTION_DAYS)],
  ];
  for (const [step, work] of steps) await attempt(run, null, step, work);
  if (context.signal.aborted) {
    const message = "The sweep was stopped on its way; the next one goes on where it was.";
    report.errors.push({ organization_id: null, step: "sweep", code: "interrupted", message });
  }
}

/** Does what is not yet to be stopped, and notes its failure instead of failing. */
async function attempt(
  { context, report }: SweepRun,
  organizationId: string | null,
  step: SweepStep,
  work: () => Promise<void>,
): Promise<void> {
  if (context.signal.aborted) return;
  try {
    await work();
  } catch (error) {
    noteFailure(report, organizationId, step, error);
    // Square may be out of reach for one organization; without the database nothing can be done at all.
    if (isUnavailable(error) && !(error instanceof SquareApiError)) throw error;
  }
}

/** Until none is due: one that fails again is due later. */
async function retryDeferred({ context, report, onProgress }: SweepRun): Promise<void> {
  while (!context.signal.aborted) {
    const tried = await context.inbox.retryDue();
    if (tried === 0) return;
    report.events_retried += tried;
    onProgress({ step: "events", done: report.events_retried });
  }
}

async function forEachOrganization(
  run: SweepRun,
  step: "pull" | "due",
  work: (organizationId: string) => Promise<void>,
): Promise<void> {
  const { organization } = run.context.database.prisma;
  const organizations = await organization.findMany({ select: { id: true }, orderBy: { id: "asc" } });
  for (const [index, { id }] of organizations.entries()) {
    await attempt(run, id, step, () => work(id));
    run.onProgress({ step, done: index + 1, total: organizations.length });
    await run.saveReport();
  }
}

/** Saves at most once a second. */
function saver(context: SweepContext, report: SweepReport): () => Promise<void> {
  let saved = performance.now();
  return async () => {
    if (performance.now() - saved < SAVE_EVERY_MS) return;
    saved = performance.now();
    await saveSweepLog(context, report, "processing");
  };
}

function tell({ log }: SweepContext, report: SweepReport): void {
  const { cron_id, mode, duration_ms, checked, drifted, created, deleted, complete, errors } = report;
  const fields = {
    cron_id,
    mode,
    duration_ms,
    checked,
    drifted,
    created,
    deleted,
    complete,
    errors: errors.length,
  };
  log[errors.length + drifted + created + deleted > 0 ? "warn" : "info"](fields, "sweep");
}
