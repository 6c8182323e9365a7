import { type DriftReport, nothingFound } from "../drift/report.js";
import { nothingPulled, type Pulled } from "../pull/report.js";

export type SweepMode = "recent" | "full";

/** The parts of a sweep, in their order. */
export type SweepStep = "events" | "due" | "pull" | "check" | "days" | "retention";

export interface SweepProgress {
  readonly step: SweepStep;
  readonly done: number;
  /** Undefined when it is not known. */
  readonly total?: number;
}

/** The report of one sweep. It is returned, and stored in the sweep's `application_logs` row. */
export interface SweepReport extends DriftReport {
  /** True when `errors` is empty. */
  success: boolean;
  /** The `log_id` of the sweep's row. */
  cron_id: string;
  mode: SweepMode;
  duration_ms: number;
  /** The duration of each step, in the order in which they ran. */
  steps: { step: SweepStep; duration_ms: number }[];
  /** Work that this sweep leaves to later ones. */
  waiting: {
    /** Deferred events that arrived more than an hour ago. */
    deferred_events: number;
    /** Organizations that were not pulled, or whose pull did not run to its end. */
    organizations: number;
  };
  events_retried: number;
  pulled: Pulled;
  /** Local days whose figures were kept for reports. */
  days_kept: number;
  /** Profiles deleted because two pulls did not find them at Square. No event reported these deletions. */
  inferred_deletions: number;
}

export function emptyReport(cronId: string, mode: SweepMode): SweepReport {
  return {
    success: false,
    cron_id: cronId,
    mode,
    duration_ms: 0,
    steps: [],
    waiting: { deferred_events: 0, organizations: 0 },
    events_retried: 0,
    pulled: nothingPulled(),
    days_kept: 0,
    inferred_deletions: 0,
    ...nothingFound(),
  };
}
