/** What was read from Square, and what became of it. */
export interface Pulled {
  bookings: number;
  payments: number;
  refunds: number;
  customers: number;
  locations: number;
  team_members: number;
  /** Catalog objects: items and variations. */
  catalog: number;
  /** Events that Square still had. */
  events: number;
  /** Objects that changed something here. */
  applied: number;
  /** Objects that said nothing new. */
  skipped: number;
}

/** Something that could not be done. What it concerns stays as it was, and its watermark stays too. */
export interface SweepError {
  readonly organization_id: string | null;
  /** What was being done: `payments`, `bookings`, `events`, ..., `check`. */
  readonly step: string;
  readonly code: string;
  readonly message: string;
}

export type SweepMode = "recent" | "full";

/** Report of one sweep (contract section 6): returned, and stored in its `application_logs` row. */
export interface SweepReport {
  /** Nothing stands in `errors`. */
  success: boolean;
  /** The `log_id` of the sweep's row. */
  cron_id: string;
  mode: SweepMode;
  duration_ms: number;
  events_retried: number;
  pulled: Pulled;
  /** Rows that the clock alone had changed, or that were of older definitions. */
  time_decayed: number;
  /** Rows compared with their recomputation. */
  checked: number;
  /** Rows that differed. */
  drifted: number;
  /** Of those, rewritten. */
  corrected: number;
  drift: { column: string; rows: number }[];
  /** Rows that were missing. */
  created: number;
  /** Rows that should not have been there. */
  deleted: number;
  /** Whether every row was checked; else the next sweep goes on where this one stopped. */
  complete: boolean;
  errors: SweepError[];
}

export function nothingPulled(): Pulled {
  return {
    bookings: 0,
    payments: 0,
    refunds: 0,
    customers: 0,
    locations: 0,
    team_members: 0,
    catalog: 0,
    events: 0,
    applied: 0,
    skipped: 0,
  };
}
