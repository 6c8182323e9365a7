/**
 * The types of the column catalogue. One entry defines one column of `customer_analytics`.
 *
 * The one statement (src/analytics/statement.ts), the API answers, the Prisma model and the documentation are
 * generated from the entries. A column is defined nowhere else.
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

/** One column. `from` names the source of the value. The other fields depend on it. */
export type Column = ProfileColumn | CountedColumn | DerivedColumn;

interface Described {
  readonly name: string;
  readonly type: ColumnType;
  readonly unit?: Unit;
  readonly description: string;
  /**
   * Names of the instants at which the clock alone changes this column (src/analytics/columns/instants.ts). The
   * earliest future instant of all columns is `refresh_due_at`. A column that the clock does not change has no
   * `clock`.
   */
  readonly clock?: readonly InstantName[];
}

/** A field of the live profile. NULL without a live profile. */
export interface ProfileColumn extends Described {
  readonly from: "profile";
  /** A column of `customers`. */
  readonly field: string;
}

/** Computed from the customer's rows of one relation that meet a condition (src/analytics/relations.ts). */
export interface CountedColumn extends Described {
  readonly from: RowSource;
  /** The condition by which a row counts, as SQL over one row and `:now`. Without it every row counts. */
  readonly where?: string;
  /** The function from the counted rows to the value. */
  readonly aggregate: Aggregate;
  /** The value of one row, as SQL over that row. `count` and `any` need none. */
  readonly value?: string;
  /** For `mean`: the number of the rows' units in one unit of the column. */
  readonly per?: number;
  /** The value without counted rows, as SQL, where it differs from the aggregate's own (`emptyValue`). */
  readonly empty?: string;
}

/** Computed from other columns of the row. */
export interface DerivedColumn extends Described {
  readonly from: "columns";
  /** The columns that the formula reads. None of them is derived. */
  readonly inputs: readonly string[];
  /** SQL over the inputs, `:now` and the organization's `new_for`, `active_for` and `at_risk_for`. */
  readonly formula: string;
  /** True for a column that is never NULL. */
  readonly required?: true;
}

export type RowSource = "booking" | "visit" | "segment" | "payment" | "refund" | "referral" | "reward";

/**
 * - `count`, `count distinct`, `sum`, `mean`, `min`, `max`: as in SQL. A mean is rounded to the places of its type.
 * - `any`: whether at least one row counts
 * - `first`, `last`: the value of the first or last row in the relation's order
 * - `mode`: the most frequent value; tie, the value used most recently; tie, the smallest
 * - `list`: a JSON array of the values, the latest first
 * - `main currency`: the most frequent currency; tie, or none, the organization's; tie without it, the smallest code
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

/** The value of a customer without counted rows, as SQL. Undefined when it is NULL. */
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

/** An instant after `:now` at which the clock alone changes a value. NULL when there is none. */
export type ClockInstant =
  | {
      /** The instant is the earliest `value` of the rows that meet `where`. */
      readonly from: "booking" | "payment";
      readonly where: string;
      readonly value: string;
    }
  | { readonly from: "columns"; readonly formula: string };

/** Raise this version when a column's definition changes. The sweep then rewrites every row of an older version. */
export const definitionVersion = 3;
