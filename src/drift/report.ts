import type { ReportedError } from "../errors.js";

/** What was found different between stored rows and their recomputation, and what became of it (contract section 6). */
export interface DriftReport {
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
  errors: ReportedError[];
}

export function nothingFound(): DriftReport {
  return {
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
