import { definitionVersion } from "../analytics/column.js";
import { columns } from "../analytics/columns/catalogue.js";
import { computeStatement } from "../analytics/statement.js";
import { type Queryable, query } from "../database/query.js";

/** A customer's stored row compared with its recomputation. */
export interface Comparison {
  readonly customerId: string;
  /** Whether there is a row. */
  readonly stored: boolean;
  /** Whether there should be one. */
  readonly expected: boolean;
  /** The columns that differ, in the catalogue's order. Empty when there is no stored or no expected row. */
  readonly differing: readonly string[];
  /** The row's refresh_due_at has passed. The clock alone may have changed it. */
  readonly due: boolean;
  /** The row was computed later than the instant of the comparison. The clock alone may explain a difference. */
  readonly ahead: boolean;
  /** The row has another definition_version than this build. */
  readonly outdated: boolean;
}

const compared = [...columns.map(({ name }) => name), "refresh_due_at"];
const movedByClock = new Set([
  ...columns.filter(({ clock }) => clock).map(({ name }) => name),
  "refresh_due_at",
]);

/**
 * One statement needs no lock: a row and its facts are committed in one transaction, and one statement sees one
 * snapshot. Index of the stored rows: primary key.
 */
const compareStatement = {
  name: "compare_customer_analytics",
  text: `
    with fresh as materialized (${computeStatement})
    select t.customer_id,
      s.square_customer_id is not null as stored,
      f.square_customer_id is not null as expected,
      coalesce(s.refresh_due_at <= $3, false) as due,
      coalesce(s.computed_at > $3, false) as ahead,
      coalesce(s.definition_version <> ${definitionVersion}, false) as outdated,
      array_remove(array[
        ${compared.map((name) => `case when s.${name} is distinct from f.${name} then '${name}' end`).join(",\n        ")}
      ], null) as differing
    from unnest($2::text[]) as t (customer_id)
    left join lateral (
      select * from customer_analytics
      where organization_id = $1 and square_customer_id = t.customer_id offset 0
    ) as s on true
    left join fresh f on f.square_customer_id = t.customer_id
    where s.square_customer_id is not null or f.square_customer_id is not null`,
};

interface ComparisonRow {
  readonly customer_id: string;
  readonly stored: boolean;
  readonly expected: boolean;
  readonly due: boolean;
  readonly ahead: boolean;
  readonly outdated: boolean;
  readonly differing: readonly string[];
}

/**
 * Compares stored rows with their recomputation at `now`. Writes nothing.
 *
 * @returns one comparison for each customer who has a row or should have one
 */
export async function compareRows(
  on: Queryable,
  organizationId: string,
  customerIds: readonly string[],
  now: Date,
): Promise<Comparison[]> {
  const values = [organizationId, customerIds, now];
  const { rows } = await query<ComparisonRow>(on, compareStatement, values);
  return rows.map(({ customer_id, stored, expected, due, ahead, outdated, differing }) => ({
    customerId: customer_id,
    stored,
    expected,
    due,
    ahead,
    outdated,
    differing: stored && expected ? differing : [],
  }));
}

export function isExact({ stored, expected, outdated, differing }: Comparison): boolean {
  return stored && expected && !outdated && differing.length === 0;
}

/** The differing columns that the clock does not explain. They are drift. */
export function unexplained({ differing, due, ahead }: Comparison): readonly string[] {
  return due || ahead ? differing.filter((name) => !movedByClock.has(name)) : differing;
}
