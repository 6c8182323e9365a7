import type pg from "pg";
import { isLockTimeout } from "../database/failures.js";
import { type Queryable, queryUnprepared } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import type { SquareEvent } from "../square/envelope.js";

/**
 * The partitions of webhook_events. A month is the one in which Square made an event, in UTC, as the event itself
 * says. Two further partitions always exist: `webhook_events_earlier` holds all months up to the one after the
 * migration and events without a time, and `webhook_events_unplanned` holds every month that has no partition.
 */

/** The month of an event that does not say when it was made. It is the column's default. */
const NO_MONTH = "0001-01-01";

/** The first day of the month in which Square made the event. Every delivery of an event has the same. */
export function createdMonth({ created_at }: Pick<SquareEvent, "created_at">): string {
  return created_at === null ? NO_MONTH : `${created_at.slice(0, 7)}-01`;
}

/** Months that are made before they begin. */
const MONTHS_AHEAD = 2;

export interface EventPartition {
  readonly name: string;
  /** The first day of a month, such as `2026-04-01`. Null: from the beginning. */
  readonly from: string | null;
  /** The first day of the month after the last one. Null for the partition of what has no other. */
  readonly until: string | null;
}

// Reads the catalogue alone.
const partitionsStatement = {
  name: "event_partitions",
  text: `
    select relname as name, substring(bound from $$FROM \\('([0-9-]+)'\\)$$) as from,
      substring(bound from $$TO \\('([0-9-]+)'\\)$$) as until
    from pg_inherits
    join pg_class on pg_class.oid = inhrelid
    cross join lateral pg_get_expr(relpartbound, pg_class.oid) as bound
    where inhparent = 'webhook_events'::regclass
    order by until nulls last`,
};

export async function eventPartitions(on: Queryable): Promise<EventPartition[]> {
  return (await queryUnprepared<EventPartition>(on, partitionsStatement)).rows;
}

const mayChangeStatement = {
  name: "may_change_event_partitions",
  text: `
    select pg_has_role(relowner, 'usage') and has_schema_privilege(relnamespace, 'create') as may
    from pg_class where oid = 'webhook_events'::regclass`,
};

/** Whether this role may make and drop partitions. A role that may only read and write tables may not. */
export async function mayChangePartitions(on: Queryable): Promise<boolean> {
  return (await queryUnprepared<{ may: boolean }>(on, mayChangeStatement)).rows[0]?.may ?? false;
}

/**
 * Makes the partitions of this month and the next two, as far as they are missing. Another process may do the same. A
 * month of which events are stored in `webhook_events_unplanned` stays there. Without the right to make tables this
 * does nothing.
 *
 * @returns the months that this call made
 */
export async function makeEventMonths(pool: pg.Pool, now: Date): Promise<string[]> {
  const missing = missingMonths(await eventPartitions(pool), now);
  if (missing.length === 0 || !(await mayChangePartitions(pool))) return [];
  const made = await changingPartitions(pool, "share update exclusive", async (tx) => {
    const months = missingMonths(await eventPartitions(tx), now);
    const done: string[] = [];
    for (const month of months) if (await makeMonth(tx, month)) done.push(month);
    return done;
  });
  return made ?? [];
}

function missingMonths(partitions: readonly EventPartition[], now: Date): string[] {
  const covers = (month: string) =>
    partitions.some(({ from, until }) => until !== null && (from ?? "") <= month && month < until);
  const wanted = Array.from({ length: MONTHS_AHEAD + 1 }, (_, ahead) => monthAfter(now, ahead));
  return wanted.filter((month) => !covers(month));
}

function monthAfter(instant: Date, months: number): string {
  return new Date(Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth() + months, 1))
    .toISOString()
    .slice(0, 10);
}

async function makeMonth(tx: pg.PoolClient, month: string): Promise<boolean> {
  const unplanned = await tx.query("select from webhook_events_unplanned where created_month = $1 limit 1", [
    month,
  ]);
  if (unplanned.rowCount) return false;
  const name = `webhook_events_${month.slice(0, 7).replace("-", "_")}`;
  // A table that is attached when it is finished does not stop those who insert into other partitions.
  await tx.query(`create table ${name} (like webhook_events including defaults)`);
  const until = monthAfter(new Date(month), 1);
  await tx.query(
    `alter table webhook_events attach partition ${name} for values from ('${month}') to ('${until}')`,
  );
  return true;
}

/**
 * Drops the partition of a month, if every event in it was received before and none is deferred.
 *
 * @returns whether it is gone; false also when somebody reads events right now, and the next sweep tries again
 */
export async function dropEventMonth(
  pool: pg.Pool,
  { name }: EventPartition,
  before: Date,
): Promise<boolean> {
  if (await isNeeded(pool, name, before)) return false;
  const dropped = await changingPartitions(pool, "access exclusive", async (tx) => {
    if (await isNeeded(tx, name, before)) return false;
    await tx.query(`drop table ${name}`);
    return true;
  });
  return dropped ?? false;
}

/** By the partition's indexes on received_at and on deferred events. */
async function isNeeded(on: Queryable, name: string, before: Date): Promise<boolean> {
  const text = `
    select exists (select from ${name} where received_at >= $1)
      or exists (select from ${name} where status = 'deferred' and next_attempt_at > '-infinity') as needed`;
  const { rows } = await queryUnprepared<{ needed: boolean }>(on, { name: "event_month_is_needed", text }, [
    before,
  ]);
  return rows[0]?.needed ?? true;
}

/**
 * Works in a transaction that holds a lock on webhook_events. Webhooks wait behind whoever waits for it, so it gives
 * up after a second.
 *
 * @returns undefined when it gave up
 */
async function changingPartitions<Result>(
  pool: pg.Pool,
  lock: "share update exclusive" | "access exclusive",
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await inTransaction(pool, async (tx) => {
      await tx.query("set local lock_timeout = '1s'");
      await tx.query(`lock table only webhook_events in ${lock} mode`);
      return work(tx);
    });
  } catch (error) {
    if (isLockTimeout(error)) return undefined;
    throw error;
  }
}
