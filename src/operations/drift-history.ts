import { type Queryable, queryUnprepared } from "../database/query.js";
import { SWEEP_CRON_NAME, SWEEP_LOG_TYPE } from "../sweep/log-row.js";

/** What the sweeps of one day compared, and what differed. */
export interface DriftDay {
  /** A day in UTC, because a sweep covers all organizations. */
  readonly date: string;
  /** The number of sweeps that have ended. */
  readonly sweeps: number;
  readonly checked: number;
  readonly drifted: number;
  readonly columns: readonly { readonly column: string; readonly rows: number }[];
}

// By application_logs_type_idx.
const driftStatement = {
  name: "drift_by_day",
  text: `
    with sweep as (
      select local_date(created_at, 'UTC') as date, payload from application_logs
      where log_type = $1 and payload ->> 'cron_name' = $2 and status <> 'processing'
        and created_at >= local_midnight(local_date($3, 'UTC') - $4::integer + 1, 'UTC')
    ), by_column as (
      select date, found ->> 'column' as name, sum((found ->> 'rows')::bigint) as rows
      from sweep cross join jsonb_array_elements(payload -> 'drift') as found
      group by date, name
    )
    select day.date::text as date, count(sweep.date)::integer as sweeps,
      coalesce(sum((sweep.payload ->> 'checked')::bigint), 0)::float8 as checked,
      coalesce(sum((sweep.payload ->> 'drifted')::bigint), 0)::float8 as drifted,
      (select coalesce(jsonb_agg(jsonb_build_object('column', c.name, 'rows', c.rows) order by c.rows desc, c.name), '[]')
        from by_column c where c.date = day.date) as columns
    from (
      select local_date($3, 'UTC') - n as date from generate_series(0, $4::integer - 1) as n
    ) as day
    left join sweep on sweep.date = day.date
    group by day.date order by day.date`,
};

/**
 * Reads the drift of the last days, the oldest first. A day without a sweep is included with zeros.
 *
 * @param days how many days, including today
 */
export async function driftByDay(on: Queryable, now: Date, days: number): Promise<DriftDay[]> {
  const values = [SWEEP_LOG_TYPE, SWEEP_CRON_NAME, now, days];
  return (await queryUnprepared<DriftDay>(on, driftStatement, values)).rows;
}
