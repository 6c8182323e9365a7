/**
 * The shape of the column catalogue: what one column of `customer_analytics` is.
 *
 * The one statement (src/analytics/statement.ts), the API answers and the documentation are all made from these
 * entries, so a column's definition stands in exactly one place.
 */

/**
 * The rows a column is computed from. Each but `row` is a relation of the one statement, grouped by customer;
 * `row` sees the finished columns of all the others by their bare names.
 */
export type Source =
  | "profile"
  | "booking"
  | "first_booking"
  | "last_booking"
  | "rebooking"
  | "segment"
  | "payment"
  | "last_payment"
  | "refund"
  | "referral"
  | "reward"
  | "usage"
  | "row";

export type ColumnType =
  | "text"
  | "integer"
  | "smallint"
  | "bigint"
  | "numeric(24,2)"
  | "numeric(24,4)"
  | "boolean"
  | "timestamptz"
  | "jsonb";

export type Unit = "count" | "minor units" | "minutes" | "hours" | "days" | "ratio" | "UTC instant" | "id";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly unit?: Unit;
  readonly description: string;
  readonly from: Source;
  /**
   * The definition: an aggregate over the rows of `from`, or for `row` an expression over other columns.
   * For `usage`, the mode of this expression (see `Usage`). `:now` is the instant of computation.
   */
  readonly sql: string;
  /** The value of a customer without any such rows. A column without it is NULL then. */
  readonly empty?: string;
  /** Set on a `row` column that always has a value. */
  readonly required?: true;
  /**
   * The instants at which the clock alone changes this column, by name (src/analytics/columns/instants.ts).
   * Their earliest is `refresh_due_at`. Present exactly on the columns the contract marks C.
   */
  readonly clock?: readonly InstantName[];
  /** For `usage` columns: which rows are counted, and when each was used (breaks ties). */
  readonly usage?: Usage;
}

/** Whether the column may be NULL: not if it has a value for a customer without rows, or always has one. */
export function isNullable(column: Column): boolean {
  return column.empty === undefined && !column.required;
}

/** A mode column: the most frequent value; tie, the one used most recently; tie, the smallest. */
export interface Usage {
  readonly rows: "booking" | "segment" | "payment";
  readonly where: string;
  readonly usedAt: string;
}

export type InstantName =
  | "visit_begins"
  | "upcoming_passes"
  | "visit_leaves_30d"
  | "visit_leaves_90d"
  | "visit_leaves_365d"
  | "payment_leaves_30d"
  | "payment_leaves_90d"
  | "payment_leaves_365d"
  | "overdue_begins"
  | "segment_ends";

/** An instant after `:now` at which time alone changes a value; NULL when there is none. */
export interface ClockInstant {
  readonly from: "booking" | "payment" | "row";
  readonly sql: string;
}

/**
 * Raised whenever a definition below changes its meaning: the sweep rewrites every row of an older version.
 */
export const definitionVersion = 1;
