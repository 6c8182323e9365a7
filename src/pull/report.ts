import type { ReportedError } from "../errors.js";

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

/** What a pull adds to: the caller's report, so that one report can hold several pulls. */
export interface PullReport {
  readonly pulled: Pulled;
  /** Profiles that count as deleted now because two pulls did not find them, though no event told their deletion. */
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
