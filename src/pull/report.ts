import type { ReportedError } from "../errors.js";

/** Counts of the objects that a pull read from Square. */
export interface Pulled {
  bookings: number;
  payments: number;
  refunds: number;
  customers: number;
  locations: number;
  team_members: number;
  /** Catalog objects: items and variations. */
  catalog: number;
  /** Events that Square's search returned. */
  events: number;
  /** Objects that changed something. */
  applied: number;
  /** Objects that changed nothing. */
  skipped: number;
}

/** The caller's report. A pull adds to it, so one report can hold several pulls. */
export interface PullReport {
  readonly pulled: Pulled;
  /** Profiles deleted because two pulls did not find them. No event reported these deletions. */
  inferred_deletions: number;
  readonly errors: ReportedError[];
}

export function emptyPullReport(): PullReport {
  return { pulled: nothingPulled(), inferred_deletions: 0, errors: [] };
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
