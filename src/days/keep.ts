import type pg from "pg";
import type { Clock } from "../clock.js";
import { inBackgroundTransaction } from "../database/lock-wait.js";
import { query, queryUnprepared, type Statement, withoutTimeout } from "../database/query.js";
import { MARKED_AFTER_MS } from "../facts/day-marks.js";
import { lockSettings } from "../facts/locks.js";
import { forgetStatements, keepBookingsStatement, keepRevenueStatement } from "./keep-statement.js";

/**
 * Keeps the figures of past local days. Reports read them instead of the facts (src/reports/kept-days.ts). A writer
 * marks the days whose facts it changes (src/facts/day-marks.ts), and the next run keeps these days anew.
 */

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

/**
 * A day is kept when it ended this long ago. Writers mark facts that are six hours younger. So a day is not kept while
 * a transaction that did not mark it is still open, even if the servers' clocks differ by some hours.
 */
const KEPT_AFTER_MS = MARKED_AFTER_MS + 6 * HOUR_MS;

/** The days of one transaction. Many small ones take longer: each reads all bookings of its days' customers. */
export const DAYS_AT_ONCE = 366;

/** The customers of more days than this are so many that their bookings are found by reading all. */
export const FEW_DAYS = 7;

/** Older days are kept only if they were kept before. */
const OLDEST_DAYS = 3_660;

/** A part of the organization's days, both included. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

export interface Keeping {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  /** Aborted when the process stops. Then the run ends after its current chunk. */
  readonly signal: AbortSignal;
  /** Called after each chunk with the number of days kept by it. */
  readonly onKept: (days: number) => Promise<void> | void;
}

/**
 * Keeps the organization's days that are past and not kept, or marked. It ends earlier, after a chunk, when the time
 * is over or the process stops. The next run continues.
 *
 * @param options.anew keeps days again that are kept and not marked
 * @param options.until by `performance.now()`; at least one chunk is kept
 * @throws when the database is unavailable
 */
export async function keepDays(
  { pool, clock, signal, onKept }: Keeping,
  organizationId: string,
  options: { readonly anew: boolean; readonly until: number },
): Promise<void> {
  await begin(pool, organizationId);
  const endedBy = new Date(clock().getTime() - KEPT_AFTER_MS);
  for (const { from, to } of chunksOf(await daysToKeep(pool, organizationId, endedBy, options.anew))) {
    if (signal.aborted) return;
    if (!(await keepChunk(pool, organizationId, { from, to }))) return;
    await onKept(daysBetween(from, to) + 1);
    if (performance.now() >= options.until) return;
  }
}

const standsStatement: Statement = {
  name: "day_keeping_stands",
  text: "select zones = zones_of_days($1) as stands from day_keeping where organization_id = $1",
};

// Primary key.
const beginStatement: Statement = {
  name: "begin_day_keeping",
  text: `
    insert into day_keeping (organization_id, zones) select $1, zones_of_days($1)
    on conflict (organization_id) do update set zones = excluded.zones`,
};

/**
 * Begins to keep days, or begins again when a time zone has changed. Writers share the settings' lock, so this waits
 * for those who do not mark yet, or who mark by the earlier zones.
 */
async function begin(pool: pg.Pool, organizationId: string): Promise<void> {
  if (await stands(pool, organizationId)) return;
  await inBackgroundTransaction(pool, async (tx) => {
    await lockSettings(tx, organizationId);
    await query(tx, beginStatement, [organizationId]);
    for (const { text } of forgetStatements)
      await tx.query(withoutTimeout(text, [organizationId, "-infinity", "infinity"]));
  });
}

/** Whether days are kept by the time zones as they are now. */
export async function stands(on: pg.Pool | pg.PoolClient, organizationId: string): Promise<boolean> {
  const { rows } = await query<{ stands: boolean }>(on, standsStatement, [organizationId]);
  return rows[0]?.stands === true;
}

// Indexes: bookings_start_idx, payments_created_idx and refunds_created_idx for the first fact; primary keys of
// kept_days and day_marks. An index gives the first instant at once.
const daysStatement: Statement = {
  name: "days_to_keep",
  text: `
    with last as (
      select last_past_day($1, $2) as day
    ),
    first as (
      select case when at is not null then greatest(local_date(at, 'UTC') - 1, last.day - $3::integer) end as day
      from last cross join (
        select least(
          (select min(start_at) from bookings where organization_id = $1),
          (select min(created_at) from payments where organization_id = $1),
          (select min(created_at) from refunds where organization_id = $1)
        ) as at
      ) as fact
    )
    select day::text, bool_or(marked) as marked
    from (
      select first.day + n as day, false as marked
      from first cross join last cross join generate_series(0, last.day - first.day) as n
      where $4 or not exists (
        select from kept_days k where k.organization_id = $1 and k.day = first.day + n and k.part = 0
      )
      union all
      select day, true from day_marks where organization_id = $1 and day <= (select day from last)
    ) as wanted
    group by day
    order by day desc`,
};

/** The days to keep: first those that are marked, then the others, each from the newest on. */
async function daysToKeep(
  pool: pg.Pool,
  organizationId: string,
  endedBy: Date,
  anew: boolean,
): Promise<string[]> {
  const { rows } = await queryUnprepared<{ day: string; marked: boolean }>(pool, daysStatement, [
    organizationId,
    endedBy,
    OLDEST_DAYS,
    anew,
  ]);
  const of = (marked: boolean) => rows.filter((row) => row.marked === marked).map(({ day }) => day);
  return [...of(true), ...of(false)];
}

/** Puts successive days into chunks. The days go backwards. */
function chunksOf(days: readonly string[]): Days[] {
  const chunks: Days[] = [];
  for (const day of days) {
    const chunk = chunks.at(-1);
    if (chunk && daysBetween(day, chunk.from) === 1 && daysBetween(day, chunk.to) < DAYS_AT_ONCE)
      chunks[chunks.length - 1] = { from: day, to: chunk.to };
    else chunks.push({ from: day, to: day });
  }
  return chunks;
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}

const KEEPING = `set transaction isolation level repeatable read; set local plan_cache_mode = force_custom_plan;
  set local enable_seqscan = on; set local work_mem = '64MB'`;

/** The planner does not know how many customers the days have. It would look up the bookings of each. */
const NO_LOOKUPS = "set local enable_nestloop = off";

/** A transaction that keeps days: it sees one snapshot, and waits for a lock as background work does. */
export function inKeepingTransaction<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return inBackgroundTransaction(pool, work, KEEPING);
}

/** @returns false if a time zone has changed since the keeping began */
function keepChunk(pool: pg.Pool, organizationId: string, { from, to }: Days): Promise<boolean> {
  return inKeepingTransaction(pool, async (tx) => {
    if (!(await stands(tx, organizationId))) return false;
    await keepAnew(tx, organizationId, { from, to });
    return true;
  });
}

/** Keeps days in the caller's transaction. */
export async function keepAnew(tx: pg.PoolClient, organizationId: string, { from, to }: Days): Promise<void> {
  if (daysBetween(from, to) > FEW_DAYS) await tx.query(NO_LOOKUPS);
  for (const { text } of [...forgetStatements, keepBookingsStatement, keepRevenueStatement])
    await tx.query(withoutTimeout(text, [organizationId, from, to]));
}
