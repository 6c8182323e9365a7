import type pg from "pg";
import { toApiRow } from "../analytics/api-row.js";
import type { Column, CountedColumn, DerivedColumn } from "../analytics/column.js";
import { columns } from "../analytics/columns/catalogue.js";
import { contributionsStatement } from "../analytics/contributions.js";
import { analyticsRow } from "../analytics/customer.js";
import { exactRow } from "../analytics/customer-history.js";
import { query, queryUnprepared } from "../database/query.js";
import { inSnapshot } from "./read-report.js";

/** The most rows in one answer. */
const PAGE = 200;

/** A position: the rows go on after this one. `time` is Postgres text. */
export interface RowCursor {
  readonly time: string | null;
  readonly id: string;
}

/** One row and its contribution to the value. */
export interface Contribution {
  readonly id: string;
  /** RFC 3339. NULL for a row without a time. */
  readonly time: string | null;
  readonly value: unknown;
  /** Whether the row counts. */
  readonly counted: boolean;
}

export interface Explanation {
  readonly square_customer_id: string;
  readonly column: string;
  readonly type: string;
  readonly unit: string | null;
  readonly description: string;
  readonly value: unknown;
  /**
   * `as_of` is the instant of the answer. Until `exact_until` the clock alone does not change the row. NULL: never.
   */
  readonly as_of: string;
  readonly exact_until: string | null;
  /** The relation whose rows are counted, `profile`, or `columns`. */
  readonly from: string;
  /** The condition by which a row counts, as SQL. NULL: every row counts. */
  readonly condition: string | null;
  /** The function from the counted rows to the value. */
  readonly aggregate: string | null;
  /** At most 200, newest first. */
  readonly rows: readonly Contribution[];
  /** For a column computed from other columns: their values, and the SQL over them. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly formula: string | null;
}

/** The column with this name in the catalogue. */
export function columnNamed(name: string): Column | undefined {
  return columns.find((column) => column.name === name);
}

/**
 * Explains a column's value of one customer: its rows, or the columns it is computed from. The answer is generated
 * from the column's entry in the catalogue. A due row is recomputed first. A merged id answers its survivor.
 *
 * @param behind returns the position after which the survivor's rows go on; NULL at the beginning
 * @returns undefined when there is no such customer
 */
export async function explain(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  column: Column,
  now: Date,
  behind: (survivorId: string) => RowCursor | null,
): Promise<{ readonly explanation: Explanation; readonly next: RowCursor | null } | undefined> {
  if (!(await exactRow(pool, organizationId, customerId, now))) return undefined;
  return inSnapshot(pool, async (tx) => {
    const row = await analyticsRow(tx, organizationId, customerId);
    if (!row) return undefined;
    // A webhook may have written the row in the meantime.
    const asOf = row.computed_at instanceof Date && row.computed_at > now ? row.computed_at : now;
    const customer = toApiRow(row);
    const survivorId = String(row.square_customer_id);
    const place = behind(survivorId);
    const { rows, next } = isCounted(column)
      ? await contributions(tx, [organizationId, survivorId, asOf], column, place)
      : { rows: [], next: null };
    const explanation = {
      square_customer_id: survivorId,
      column: column.name,
      type: column.type,
      unit: column.unit ?? null,
      description: column.description,
      value: customer[column.name],
      as_of: asOf.toISOString(),
      exact_until: customer.refresh_due_at as string | null,
      from: column.from,
      condition: isCounted(column) ? (column.where ?? null) : null,
      aggregate: isCounted(column) ? column.aggregate : null,
      rows,
      inputs: column.from === "columns" ? await inputsOf(tx, organizationId, column, customer) : {},
      formula: column.from === "columns" ? column.formula : null,
    };
    return { explanation, next };
  });
}

function isCounted(column: Column): column is CountedColumn {
  return column.from !== "profile" && column.from !== "columns";
}

// Indexes: bookings_customer_idx, payments_customer_idx, primary keys of their parts. The statements are not
// prepared, because there is one for each column.
async function contributions(
  tx: pg.PoolClient,
  key: readonly unknown[],
  column: CountedColumn,
  behind: RowCursor | null,
) {
  const { rows } = await queryUnprepared<{ id: string; cursor_time: string | null }>(
    tx,
    contributionsStatement(column),
    [...key, behind?.time ?? null, behind?.id ?? null, PAGE + 1],
  );
  const page = rows.slice(0, PAGE);
  const last = rows.length > PAGE ? page.at(-1) : undefined;
  return {
    rows: page.map(({ cursor_time: _, ...row }) => {
      const shown = toApiRow(row);
      return { ...shown, value: inTypeOf(column, shown.value) } as Contribution;
    }),
    next: last ? { time: last.cursor_time, id: last.id } : null,
  };
}

/** The driver returns a numeric as text. The values of a mode are text too. */
function inTypeOf({ type }: CountedColumn, value: unknown): unknown {
  return typeof value === "string" && (type === "smallint" || type.startsWith("numeric"))
    ? Number(value)
    : value;
}

const settingsStatement = {
  name: "explain_segment_days",
  text: `
    select segment_days(settings, 'new', 30) as new_for, segment_days(settings, 'active', 42) as active_for,
      segment_days(settings, 'at_risk', 90) as at_risk_for
    from organizations where id = $1`,
};

/** The values that a formula reads: columns, and the organization's segment days. */
async function inputsOf(
  tx: pg.PoolClient,
  organizationId: string,
  { inputs, formula }: DerivedColumn,
  customer: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const values = Object.fromEntries(inputs.map((name) => [name, customer[name]]));
  if (!formula.includes("new_for")) return values;
  const { rows } = await query(tx, settingsStatement, [organizationId]);
  return { ...values, ...rows[0] };
}
