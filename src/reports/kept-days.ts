import type pg from "pg";
import type { Statement } from "../database/query.js";
import { addDays, daysOf, type Period } from "./period.js";
import { type Read, readSnapshot } from "./read-report.js";

/**
 * A period of a report, divided into the days whose figures are kept (src/days) and the others, whose facts are read.
 * Both are read in one snapshot, so they agree.
 */
export interface DividedPeriod extends Period {
  readonly kept: readonly string[];
  /** The other days, in order. */
  readonly others: readonly Period[];
}

/** More ranges than this are joined over the kept days between them. */
const MOST_RANGES = 12;

// Indexes: primary keys. All bookings of a past day count as visits. A kept day may be to come for a clock that is wrong.
const keptDaysStatement: Statement = {
  name: "report_kept_days",
  text: `
    select k.day::text as day
    from kept_days k
    where k.organization_id = $1 and k.day between $2 and $3 and k.part = 0
      and k.day <= (select last_past_day($1, $4))
      and not exists (select from day_marks m where m.organization_id = $1 and m.day = k.day)
      and (select zones = zones_of_days($1) from day_keeping where organization_id = $1)
    order by k.day`,
};

/** Divides periods of one report, and reads the report in the same snapshot. */
export async function readDivided<Result>(
  pool: pg.Pool,
  organizationId: string,
  periods: readonly Period[],
  now: Date,
  work: (read: Read, periods: readonly DividedPeriod[]) => Promise<Result>,
): Promise<Result> {
  const days = periods.flatMap(({ from, to }) => [from, to]).sort();
  const divided = async (read: Read) => {
    const rows = await read<{ day: string }>(keptDaysStatement, [organizationId, days[0], days.at(-1), now]);
    const kept = new Set(rows.map(({ day }) => day));
    return work(
      read,
      periods.map((period) => divide(period, kept)),
    );
  };
  return readSnapshot(pool, divided, { sorts: true });
}

function divide(period: Period, kept: ReadonlySet<string>): DividedPeriod {
  const days = Array.from({ length: daysOf(period) }, (_, index) => addDays(period.from, index));
  let others = rangesOf(
    days.filter((day) => !kept.has(day)),
    0,
  );
  for (let gap = 1; others.length > MOST_RANGES; gap *= 2)
    others = rangesOf(
      days.filter((day) => !kept.has(day)),
      gap,
    );
  const isOther = (day: string) => others.some(({ from, to }) => from <= day && day <= to);
  return { ...period, kept: days.filter((day) => !isOther(day)), others };
}

/** Joins days, in order, with at most `gap` others between them. */
function rangesOf(days: readonly string[], gap: number): Period[] {
  const ranges: Period[] = [];
  for (const day of days) {
    const last = ranges.at(-1);
    if (last && daysOf({ from: last.to, to: day }) - 2 <= gap)
      ranges[ranges.length - 1] = { ...last, to: day };
    else ranges.push({ from: day, to: day });
  }
  return ranges;
}
