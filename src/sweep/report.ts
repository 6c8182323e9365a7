import { type DriftReport, nothingFound } from "../drift/report.js";
import { nothingPulled, type Pulled } from "../pull/report.js";

export type SweepMode = "recent" | "full";

/** Report of one sweep (contract section 6): returned, and stored in its `application_logs` row. */
export interface SweepReport extends DriftReport {
  /** Nothing stands in `errors`. */
  success: boolean;
  /** The `log_id` of the sweep's row. */
  cron_id: string;
  mode: SweepMode;
  duration_ms: number;
  events_retried: number;
  pulled: Pulled;
}

export function emptyReport(cronId: string, mode: SweepMode): SweepReport {
  return {
    success: false,
    cron_id: cronId,
    mode,
    duration_ms: 0,
    events_retried: 0,
    pulled: nothingPulled(),
    ...nothingFound(),
  };
}
