/**
 * The shape of the column catalogue: what one column of `customer_analytics` is.
 *
 * The one statement (src/analytics/statement.ts), the API answers, the Prisma model and the documentation are all made
 * from these entries, so a column's definition stands in exactly one place.
 */

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

/** One column. `from` says what the value is made of; the SQL in the other fields depends on it. */
export type Column = ProfileColumn | CountedColumn | DerivedColumn;

interface Described {
  readonly name: string;
  readonly type: ColumnType;
  readonly unit?: Unit;
  readonly description: string;
  /**
   * The instants at which the clock alone changes this column, by name (src/analytics/columns/instants.ts).
   * Their earliest is `refresh_due_at`. Present exactly on the columns the contract marks C.
   */
  readonly clock?: readonly InstantName[];
}

/** A field of the live profile; NULL without one. */
export interface ProfileColumn extends Described {
  readonly from: "profile";
  /** A column of `customers`. */
  readonly field: string;
}

/** Counted from the customer's rows of one relation (src/analytics/relations.ts): those that meet a condition. */
export interface CountedColumn extends Described {
  readonly from: RowSource;
  /** Which of the rows count, as SQL over one row and `:now`. All of them when it is left out. */
  readonly where?: string;
  /** How the rows that count become the value. */
  readonly aggregate: Aggregate;
  /** What a row contributes, as SQL over that row. `count` and `any` need none: each row contributes itself. */
  readonly value?: string;
  /** For `mean`: how many of the contribution's units make one of the column's. */
  readonly per?: number;
  /** The value without any such rows, where it is not the aggregate's own (see `emptyValue`). */
  readonly empty?: string;
}

/** Computed from other columns of the row. */
export interface DerivedColumn extends Described {
  readonly from: "columns";
  /** The columns that the formula reads: none of them is derived itself. */
  readonly inputs: readonly string[];
  /** SQL over the inputs, `:now` and the organization's `new_for`, `active_for` and `at_risk_for`. */
  readonly formula: string;
  /** Set on a column that always has a value. */
  readonly required?: true;
}

export type RowSource = "booking" | "visit" | "segment" | "payment" | "refund" | "referral" | "reward";

/**
 * - `count`, `count distinct`, `sum`, `mean`, `min`, `max`: as in SQL, a mean rounded to the places of its type
 * - `any`: whether one row counts
 * - `first`, `last`: the contribution of the first or last row in the relation's order
 * - `mode`: the most frequent contribution; tie, the one used most recently; tie, the smallest
 * - `list`: a JSON array of the contributions, the latest first
 * - `main currency`: the most frequent; tie, or none, the organization's; tie without it, the smallest code
 */
export type Aggregate =
  | "count"
  | "count distinct"
  | "sum"
  | "mean"
  | "min"
  | "max"
  | "any"
  | "first"
  | "last"
  | "mode"
  | "list"
  | "main currency";

const emptyValues: Partial<Record<Aggregate, string>> = {
  count: "0",
  "count distinct": "0",
  sum: "0",
  any: "false",
  list: "'[]'::jsonb",
};

/** The value of a customer without rows that count, as SQL; undefined when it is NULL. */
export function emptyValue({ aggregate, empty }: CountedColumn): string | undefined {
  return empty ?? emptyValues[aggregate];
}

/** Whether the column may be NULL. */
export function isNullable(column: Column): boolean {
  if (column.from === "profile") return true;
  return column.from === "columns" ? !column.required : emptyValue(column) === undefined;
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
export type ClockInstant =
  | {
      /** The earliest `value` of the rows that meet the condition. */
      readonly from: "booking" | "payment";
      readonly where: string;
      readonly value: string;
    }
  | { readonly from: "columns"; readonly formula: string };

/**
 * Raised whenever a definition below changes its meaning: the sweep rewrites every row of an older version.
 */
export const definitionVersion = 3;
