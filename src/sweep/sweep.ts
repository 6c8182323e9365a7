import type pg from "pg";
import type { Clock } from "../clock.js";
import { EVENT_RETENTION_DAYS, type Retention } from "../config.js";
import { renewStatistics } from "../database/embedded/statistics.js";
import { isTooSlow, isUnavailable } from "../database/failures.js";
import { describeHolder } from "../database/lock-wait.js";
import { keepDays } from "../days/keep.js";
import { checkEverybody } from "../drift/check-everybody.js";
import { correctDue } from "../drift/due.js";
import type { DriftRun } from "../drift/run.js";
import { noteError, noteFailure } from "../errors.js";
import { makeEventMonths } from "../inbox/event-months.js";
import type { Inbox } from "../inbox/inbox.js";
import type { Log } from "../log.js";
import type { PullContext } from "../pull/connect.js";
import { renewTokens } from "../pull/renew-tokens.js";
import { inTurns, noteNotReached, PULLS_AT_ONCE, takeTurn, turnsToPull } from "../pull/turns.js";
import { span, traced } from "../tracing.js";
import { openLogRow, saveLogRow } from "./log-row.js";
import { repeatErasures } from "./repeat-erasures.js";
import {
  emptyReport,
  type SweepMode,
  type SweepProgress,
  type SweepReport,
  type SweepStep,
} from "./report.js";
import { dropOld } from "./retention.js";
import { noteWaitingEvents } from "./waiting.js";

/** What a sweep uses: the pull's context, and the inbox that retries deferred events. */
export interface SweepContext extends PullContext {
  readonly inbox: Pick<Inbox, "receive" | "retryDue">;
}

export interface SweepOptions {
  /** The time for a sweep's pull and check. The default is in TIME_BUDGET_MS. The check of a full sweep has no limit. */
  readonly timeBudgetMs?: number;
  /** The part of `timeBudgetMs` that the pull may use. The default is half. */
  readonly pullBudgetMs?: number;
  /** The default is 90. */
  readonly retention?: Retention;
  readonly onProgress?: (progress: SweepProgress) => void;
}

/** The answer when another sweep is running on this database. */
export interface SkippedSweep {
  readonly success: true;
  readonly skipped: "already_running";
}

/** A full sweep reads everything from Square, and a pull that is cut off begins again. So it has more time. */
const TIME_BUDGET_MS: Readonly<Record<SweepMode, number>> = { recent: 5 * 60_000, full: 2 * 60 * 60_000 };

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The least time between two saves of the sweep's progress, in milliseconds. */
const SAVE_EVERY_MS = 1_000;

/**
 * The reconciliation sweep. Its steps run in this order:
 *
 * 1. `events` retries deferred events that are due. 2. `due` recomputes rows that came due or are of older
 * definitions. 3. `pull` reads from Square what webhooks missed, a few organizations at a time, in at most half of
 * the time budget. It recomputes the customers of what it stores. It is the only step that waits for Square. So it
 * comes after the steps that do not, and it leaves time for the check. 4. `check` compares rows with their
 * recomputation and corrects them, until all are checked. In a recent sweep it ends when the time budget is spent.
 * 5. `days` keeps the figures of past days for reports, in a time of its own. 6. `retention` makes the next months'
 * partitions of events, and removes old events, logs and marks. On the embedded database it renews the planner's
 * statistics.
 *
 * A failure is noted in the report's `errors`, and the rest goes on. When `context.signal` is aborted, the sweep
 * ends after its current chunk, and the next sweep continues there. Only one sweep runs on a database at a time.
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
    const work = () => sweepAlone(context, signal, mode, options);
    return traced("sweep", work, { "regulars.sweep.mode": mode });
  });
  return report ?? { success: true, skipped: "already_running" };
}

/** A running sweep: what its steps share. */
interface Run extends Required<SweepOptions> {
  readonly context: SweepContext;
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The steps add to it. */
  readonly report: SweepReport;
  /** Saves the report in application_logs, at most once a second. */
  readonly saveReport: () => Promise<void>;
}

async function sweepAlone(
  context: SweepContext,
  signal: AbortSignal,
  mode: SweepMode,
  options: SweepOptions,
): Promise<SweepReport> {
  const started = performance.now();
  const { database, clock, log } = context;
  const { pool } = database;
  const report = emptyReport(await openLogRow(pool, mode, clock()), mode);
  const timeBudgetMs = options.timeBudgetMs ?? TIME_BUDGET_MS[mode];
  const run: Run = {
    context,
    pool,
    clock,
    log,
    signal,
    report,
    timeBudgetMs,
    pullBudgetMs: options.pullBudgetMs ?? timeBudgetMs / 2,
    retention: options.retention ?? { eventDays: EVENT_RETENTION_DAYS, payloadDays: EVENT_RETENTION_DAYS },
    onProgress: options.onProgress ?? (() => {}),
    saveReport: onceASecond(() => saveLogRow(pool, report, "processing", clock())),
  };
  const end = async () => {
    report.success = report.errors.length === 0;
    report.duration_ms = Math.round(performance.now() - started);
    await saveLogRow(pool, report, report.success ? "completed" : "error", clock());
  };
  try {
    await runSteps(run);
  } catch (error) {
    // If this fails, the next sweep closes the row.
    await end().catch(() => {});
    throw error;
  }
  await end();
  logReport(log, report);
  return report;
}

async function runSteps(run: Run): Promise<void> {
  const { report, signal } = run;
  const started = performance.now();
  const full = report.mode === "full";
  const timeLeft = () => (full ? Number.POSITIVE_INFINITY : run.timeBudgetMs - (performance.now() - started));
  const steps: [step: SweepStep, work: () => Promise<void>][] = [
    ["events", () => retryDeferred(run)],
    // In a full sweep the check corrects due rows too.
    ["due", async () => (full ? undefined : correctAllDue(run))],
    ["pull", () => pullAll(run)],
    ["check", () => checkEverybody(driftRunOf(run), timeLeft())],
    ["days", () => keepAllDays(run)],
    ["retention", () => removeOld(run)],
  ];
  for (const [step, work] of steps) {
    const begun = performance.now();
    await attempt(run, null, step, () => span(`sweep ${step}`, work));
    report.steps.push({ step, duration_ms: Math.round(performance.now() - begun) });
  }
  if (!signal.aborted) return;
  const message = "The sweep was stopped. The next sweep continues where it stopped.";
  noteError(report.errors, { organization_id: null, step: "sweep", code: "interrupted", message });
}

/** Runs the work unless the sweep is stopping. A failure is noted. Only an unavailable database throws. */
async function attempt(
  { pool, signal, report }: Run,
  organizationId: string | null,
  step: SweepStep,
  work: () => Promise<void>,
): Promise<void> {
  if (signal.aborted) return;
  try {
    await work();
  } catch (error) {
    if (isTooSlow(error)) {
      // Throws if the database answers no statement at all. That ends the sweep.
      const message = `A statement got no answer in time. ${await describeHolder(pool)}`;
      return noteError(report.errors, { organization_id: organizationId, step, code: "too_slow", message });
    }
    noteFailure(report.errors, organizationId, step, error);
    // Without the database no other step can run.
    if (isUnavailable(error)) throw error;
  }
}

/** Retries until no deferred event is due. An event that fails again is due later, so this ends. */
async function retryDeferred({ context, pool, clock, signal, report, onProgress }: Run): Promise<void> {
  while (!signal.aborted) {
    const tried = await context.inbox.retryDue();
    if (tried === 0) break;
    report.events_retried += tried;
    onProgress({ step: "events", done: report.events_retried });
  }
  report.waiting.deferred_events = await noteWaitingEvents(pool, clock(), report.errors);
}

function correctAllDue(run: Run): Promise<void> {
  return forEachOrganization(run, "due", (id) => correctDue(driftRunOf(run), id));
}

/** A fifth of the time budget. A full sweep keeps every day anew, which also heals what was changed by hand. */
function keepAllDays(run: Run): Promise<void> {
  const { pool, clock, signal, report } = run;
  const options = { anew: report.mode === "full", until: performance.now() + run.timeBudgetMs / 5 };
  const onKept = (days: number) => {
    report.days_kept += days;
    return run.saveReport();
  };
  return forEachOrganization(run, "days", (id) => keepDays({ pool, clock, signal, onKept }, id, options));
}

async function forEachOrganization(
  run: Run,
  step: SweepStep,
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

async function pullAll(run: Run): Promise<void> {
  const { context, pool, clock, report } = run;
  const isOver = AbortSignal.timeout(Math.min(run.pullBudgetMs, LONGEST_TIMER_MS));
  const signal = AbortSignal.any([run.signal, isOver]);
  await renewTokens({ ...context, signal }, report.errors);
  const turns = await turnsToPull(pool);
  const left = new Set(turns);
  const waiting = new Set(turns);
  await inTurns(turns, PULLS_AT_ONCE, async (turn) => {
    if (signal.aborted) return;
    left.delete(turn);
    await attempt(run, turn.organizationId, "pull", async () => {
      const everything = report.mode === "full";
      const pull = () => takeTurn(context, turn, { everything, report, signal });
      const attributes = { "regulars.organization.id": turn.organizationId };
      if (await span("pull", pull, attributes)) waiting.delete(turn);
    });
    run.onProgress({ step: "pull", done: turns.length - left.size, total: turns.length });
    await run.saveReport();
  });
  report.waiting.organizations = waiting.size;
  noteNotReached([...left], report, clock());
}

/** The part of a sweep that the steps `due` and `check` use. */
function driftRunOf({ pool, clock, signal, report, onProgress, saveReport }: Run): DriftRun {
  return { pool, clock, signal, report, onProgress, onChunk: saveReport };
}

async function removeOld(run: Run): Promise<void> {
  const { context, pool, clock, signal, log, retention, onProgress } = run;
  const onDone = (done: number) => onProgress({ step: "retention", done });
  const made = await makeEventMonths(pool, clock());
  if (made.length > 0) log.info({ months: made }, "partitions of events made ahead");
  const dropped = await dropOld(pool, clock(), retention, signal, onDone);
  if (Object.values(dropped).some((rows) => rows > 0)) log.info(dropped, "old rows removed");
  const attemptFor = (id: string, work: () => Promise<void>) => attempt(run, id, "retention", work);
  const erased = await repeatErasures(pool, clock(), signal, attemptFor, onDone);
  if (erased > 0) log.info({ rows: erased }, "late data of erased customers removed");
  if (context.database.kind === "embedded") await renewStatistics(pool);
}

function onceASecond(save: () => Promise<void>): () => Promise<void> {
  let saved = performance.now();
  return async () => {
    if (performance.now() - saved < SAVE_EVERY_MS) return;
    saved = performance.now();
    await save();
  };
}

function logReport(log: Log, report: SweepReport): void {
  const { cron_id, mode, duration_ms, checked, drifted, created, deleted, complete, errors } = report;
  const counts = { duration_ms, checked, drifted, created, deleted, complete, errors: errors.length };
  log[errors.length + drifted + created + deleted > 0 ? "warn" : "info"](
    { cron_id, mode, ...counts },
    "sweep",
  );
}
