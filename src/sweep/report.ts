import { type DriftReport, nothingFound } from "../drift/report.js";
import { nothingPulled, type Pulled } from "../pull/report.js";

export type SweepMode = "recent" | "full";

/** The parts of a sweep, in their order. */
export type SweepStep = "events" | "due" | "pull" | "check" | "retention";

export interface SweepProgress {
  readonly step: SweepStep;
  readonly done: number;
  /** Where it is known. */
  readonly total?: number;
}

/** Report of one sweep (contract section 6): returned, and stored in its `application_logs` row. */
export interface SweepReport extends DriftReport {
  /** Nothing stands in `errors`. */
  success: boolean;
  /** The `log_id` of the sweep's row. */
  cron_id: string;
  mode: SweepMode;
  duration_ms: number;
  /** How long each part took, in the order in which they ran. */
  steps: { step: SweepStep; duration_ms: number }[];
  /** What this sweep has left for later ones. */
  waiting: {
    /** Deferred events that came more than an hour ago. */
    deferred_events: number;
    /** Organizations that there was no time to pull, or whose pull did not come to its end. */
    organizations: number;
  };
  events_retried: number;
  pulled: Pulled;
  /** Profiles that count as deleted now because two sweeps did not find them at Square, though no event told it. */
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
    inferred_deletions: 0,
    ...nothingFound(),
  };
}
