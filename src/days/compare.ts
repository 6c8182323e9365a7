import type pg from "pg";
import { query, type Statement } from "../database/query.js";
import { type Days, inKeepingTransaction, keepAnew, stands } from "./keep.js";

// Primary keys. A marked day may differ from its facts until the next sweep.
const keptStatement: Statement = {
  name: "kept_days_as_text",
  text: `
    with day as (
      select day from kept_days where organization_id = $1 and day between $2 and $3 and part = 0
      except
      select day from day_marks where organization_id = $1 and day between $2 and $3
    )
    select day::text, string_agg(part, ',' order by part collate "C") as figures
    from (
      select k.day, k::text as part from kept_days k where k.organization_id = $1 and k.day between $2 and $3
      union all
      select r.day, r::text from kept_revenue r where r.organization_id = $1 and r.day between $2 and $3
    ) as part
    join day using (day)
    group by day`,
};

/**
 * Compares kept days with what would be kept now, and changes nothing. Marked days are left out.
 *
 * @returns how many days were compared, and those that differ, as `YYYY-MM-DD`
 * @throws LockedElsewhere
 */
export async function compareKeptDays(
  pool: pg.Pool,
  organizationId: string,
  days: Days,
): Promise<{ readonly compared: number; readonly different: readonly string[] }> {
  const values = [organizationId, days.from, days.to];
  return inKeepingTransaction(pool, async (tx) => {
    const read = () => query<{ day: string; figures: string }>(tx, keptStatement, values);
    if (!(await stands(tx, organizationId))) return { compared: 0, different: [] };
    const { rows: kept } = await read();
    await tx.query("savepoint kept");
    await keepAnew(tx, organizationId, days);
    const { rows: now } = await read();
    await tx.query("rollback to savepoint kept");
    const figures = new Map(now.map((row) => [row.day, row.figures]));
    const different = kept.filter((row) => figures.get(row.day) !== row.figures).map(({ day }) => day);
    return { compared: kept.length, different };
  });
}
