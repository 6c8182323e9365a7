import { RegularsError } from "../errors.js";
import { describeFailure } from "../inbox/arrival.js";
import type { ReconcileContext } from "./context.js";
import { type Corrections, correct, inParts } from "./correct.js";
import { nothingPulled, type SweepMode, type SweepReport } from "./report.js";

/** The parts of a sweep, in their order. */
export type SweepStep = "events" | "pull" | "due" | "check" | "retention";

export interface SweepProgress {
  readonly step: SweepStep;
  readonly done: number;
  /** Where it is known. */
  readonly total?: number;
}

/** A sweep on its way: what its steps share. */
export interface SweepRun {
  readonly context: ReconcileContext & { readonly signal: AbortSignal };
  /** Filled as the sweep goes. */
  readonly report: SweepReport;
  readonly onProgress: (progress: SweepProgress) => void;
  /** Brings the sweep's row in application_logs up to date. */
  readonly saveReport: () => Promise<void>;
}

export function emptyReport(cronId: string, mode: SweepMode): SweepReport {
  return {
    success: false,
    cron_id: cronId,
    mode,
    duration_ms: 0,
    events_retried: 0,
    pulled: nothingPulled(),
    time_decayed: 0,
    checked: 0,
    drifted: 0,
    corrected: 0,
    drift: [],
    created: 0,
    deleted: 0,
    complete: false,
    errors: [],
  };
}

/** Notes what could not be done, in words that hold no personal data. */
export function noteFailure(
  { errors }: SweepReport,
  organizationId: string | null,
  step: SweepStep,
  error: unknown,
): void {
  const ours = error instanceof RegularsError;
  errors.push({
    organization_id: organizationId,
    step,
    code: ours ? error.code : "internal_error",
    message: ours ? error.message : describeFailure(error),
  });
}

/** How many customers of a failure are named. */
const NAMED = 10;

/**
 * Runs work over customers; those it fails for are noted in the report and left as they are.
 *
 * @throws when the database is unavailable
 */
export async function overCustomers<Result>(
  { report }: SweepRun,
  organizationId: string,
  step: SweepStep,
  customerIds: readonly string[],
  work: (customerIds: readonly string[]) => Promise<Result>,
): Promise<Result[]> {
  const failed: string[] = [];
  let reason = "";
  const results = await inParts(customerIds, work, (id, error) => {
    failed.push(id);
    reason = describeFailure(error);
  });
  if (failed.length > 0) {
    const named = failed.slice(0, NAMED).join(", ") + (failed.length > NAMED ? ", ..." : "");
    const message = `${failed.length} customer(s) could not be computed (${reason}): ${named}`;
    report.errors.push({ organization_id: organizationId, step, code: "not_computed", message });
  }
  return results;
}

/** Makes customers' rows exact, and counts in the report what was wrong with them. */
export async function correctInto(
  run: SweepRun,
  organizationId: string,
  step: SweepStep,
  customerIds: readonly string[],
): Promise<void> {
  const corrections = await overCustomers(run, organizationId, step, customerIds, (ids) =>
    correct(run.context, organizationId, ids),
  );
  for (const part of corrections) add(run.report, part);
}

function add(report: SweepReport, part: Corrections): void {
  report.time_decayed += part.timeDecayed;
  report.drifted += part.drifted;
  report.corrected += part.corrected;
  report.created += part.created;
  report.deleted += part.deleted;
  for (const column of part.driftedColumns) {
    const known = report.drift.find((drift) => drift.column === column);
    if (known) known.rows += 1;
    else report.drift.push({ column, rows: 1 });
  }
}
