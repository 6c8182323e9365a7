import type { ReportedError } from "../errors.js";

/** The differences between stored rows and their recomputation, and the corrections. */
export interface DriftReport {
  /** Rows that the clock alone changed, or that were of older definitions. */
  time_decayed: number;
  /** Rows compared with their recomputation. */
  checked: number;
  /** Rows that differed for another reason. */
  drifted: number;
  /** Drifted rows that were rewritten. */
  corrected: number;
  /** For each drifted column the number of rows. */
  drift: { column: string; rows: number }[];
  /** Rows that were missing. */
  created: number;
  /** Rows that should not exist. */
  deleted: number;
  /** Whether every row was checked. If not, the next sweep continues where this one stopped. */
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
