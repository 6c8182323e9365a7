import type { DriftRun } from "../drift/run.js";
import { reportedError } from "../errors.js";
import type { SweepContext } from "./context.js";
import type { SweepReport } from "./report.js";

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
  readonly context: SweepContext & { readonly signal: AbortSignal };
  /** Filled as the sweep goes. */
  readonly report: SweepReport;
  readonly onProgress: (progress: SweepProgress) => void;
  /** Brings the sweep's row in application_logs up to date. */
  readonly saveReport: () => Promise<void>;
}

/** What the steps that look at stored rows need of a sweep. */
export function driftRunOf({ context, report, onProgress, saveReport }: SweepRun): DriftRun {
  const { database, clock, signal } = context;
  return { pool: database.pool, clock, signal, report, onProgress, onChunk: saveReport };
}

export function noteFailure(
  { errors }: SweepReport,
  organizationId: string | null,
  step: SweepStep,
  error: unknown,
): void {
  errors.push(reportedError(organizationId, step, error));
}
