import type pg from "pg";
import type { Clock } from "../clock.js";
import { bisectOnFailure } from "../database/bisect.js";
import { describeFailure, LockedElsewhere, noteError, noteFailure } from "../errors.js";
import { type Corrections, correct } from "./correct.js";
import type { DriftReport } from "./report.js";

/** `due` recomputes rows that came due. `check` compares all rows. */
export type DriftStep = "due" | "check";

/** One run over stored rows: what its steps share. */
export interface DriftRun {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  /** Aborted when the process stops. Then the run ends after its current chunk. */
  readonly signal: AbortSignal;
  /** The run adds to it. */
  readonly report: DriftReport;
  readonly onProgress: (progress: {
    readonly step: DriftStep;
    readonly done: number;
    /** Undefined when it is not known. */
    readonly total?: number;
  }) => void;
  /** Called after each chunk. */
  readonly onChunk: () => Promise<void>;
}

/** The most customers that an error names. */
const NAMED = 10;

/**
 * Runs the work over a batch of customers. Customers that it fails for are noted in the report and left unchanged. If
 * another session locks one of them, the whole batch is left unchanged.
 *
 * @throws when the database is unavailable
 */
export async function forEachCustomerBatch<Result>(
  { report }: DriftRun,
  organizationId: string,
  step: DriftStep,
  customerIds: readonly string[],
  work: (customerIds: readonly string[]) => Promise<Result>,
): Promise<Result[]> {
  const failed: string[] = [];
  let reason = "";
  const results = await bisectOnFailure(customerIds, work, (id, error) => {
    failed.push(id);
    reason = describeFailure(error);
  }).catch((error: unknown) => {
    if (!(error instanceof LockedElsewhere)) throw error;
    noteFailure(report.errors, organizationId, step, error);
    return [];
  });
  if (failed.length > 0) {
    const named = failed.slice(0, NAMED).join(", ") + (failed.length > NAMED ? ", ..." : "");
    const message = `${failed.length} customer(s) could not be computed (${reason}): ${named}`;
    noteError(report.errors, { organization_id: organizationId, step, code: "not_computed", message });
  }
  return results;
}

/** Makes customers' rows exact, and adds the corrections to the report. */
export async function correctAndReport(
  run: DriftRun,
  organizationId: string,
  step: DriftStep,
  customerIds: readonly string[],
): Promise<void> {
  const corrections = await forEachCustomerBatch(run, organizationId, step, customerIds, (ids) =>
    correct(run, organizationId, ids),
  );
  for (const part of corrections) add(run.report, part);
}

function add(report: DriftReport, part: Corrections): void {
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
