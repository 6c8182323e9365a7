import type pg from "pg";
import type { Retention } from "../config.js";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { readPosition, savePosition } from "../database/positions.js";
import { queryUnprepared, type Statement } from "../database/query.js";
import { dropEventMonth, eventPartitions, mayChangePartitions } from "../inbox/event-months.js";

const DAY_MS = 24 * 3600 * 1000;
const LOG_RETENTION_DAYS = 90;

/** Rows that one statement deletes. It holds its locks only briefly. */
const BATCH = 1_000;

// No index. The table is small: it holds a row for each sweep and refresh of 90 days.
const dropLogsStatement = {
  name: "drop_old_logs",
  text: `
    delete from application_logs where log_id in (
      select log_id from application_logs where created_at < $1 order by created_at limit $2
    )`,
};

// Index: the one on received_at, from its beginning. A deferred event is never removed, because it is not processed
// yet.
const dropEventsFrom = (partition: string): Statement => ({
  name: "drop_old_events",
  text: `
    delete from ${partition} where (organization_id, event_id) in (
      select organization_id, event_id from ${partition}
      where received_at < $1 and status <> 'deferred'
      order by received_at limit $2
      for update skip locked
    )`,
});

/** Events may arrive this long after Square made them. Its Events API reaches back 28 days. */
const LATE_DAYS = 31;

/**
 * Drops the months whose events are all older than `before`. Row by row go the old events of the partitions that
 * belong to no month, of a month that a late event has kept for another month, and of a database whose partitions
 * belong to another role.
 *
 * @returns how many months and events are gone; the events of a month are not counted
 */
async function dropEvents(
  pool: pg.Pool,
  before: Date,
  signal: AbortSignal,
  drop: (statement: Statement) => Promise<number>,
): Promise<{ readonly months: number; readonly events: number }> {
  if (!(await mayChangePartitions(pool)))
    return { months: 0, events: await drop(dropEventsFrom("webhook_events")) };
  let [months, events] = [0, 0];
  for (const partition of await eventPartitions(pool)) {
    const { name, from, until } = partition;
    if (signal.aborted) break;
    if (from === null) {
      events += await drop(dropEventsFrom(name));
      continue;
    }
    const daysOver = (before.getTime() - new Date(until ?? from).getTime()) / DAY_MS;
    if (daysOver < 0) continue;
    if (await dropEventMonth(pool, partition, before)) months += 1;
    else if (daysOver > LATE_DAYS) events += await drop(dropEventsFrom(name));
  }
  return { months, events };
}

/**
 * The most marked orders of one organization. Without a token they are never fetched and would grow without bound.
 */
const MARKS_KEPT = 10_000;

// Reads all of pending_fetches, which is usually almost empty.
const manyMarksStatement = {
  name: "organizations_with_many_marks",
  text: `
    select organization_id from pending_fetches where object_type = 'order'
    group by organization_id having count(*) > $1`,
};

// Losing an order's mark loses no payment: the list of payments shows it too, only later.
const dropMarksStatement = {
  name: "drop_old_marks",
  text: `
    delete from pending_fetches where organization_id = $1 and object_type = 'order' and object_id in (
      select object_id from pending_fetches where organization_id = $1 and object_type = 'order'
      order by requested_at desc, object_id offset $2
    )`,
};

async function dropMarks(pool: pg.Pool): Promise<number> {
  const { rows } = await queryUnprepared(pool, manyMarksStatement, [MARKS_KEPT]);
  let dropped = 0;
  for (const { organization_id } of rows) {
    const values = [organization_id, MARKS_KEPT];
    dropped += (await queryUnprepared(pool, dropMarksStatement, values)).rowCount ?? 0;
  }
  return dropped;
}

// By webhook_events_received_idx. A deferred or dead event keeps its payload, because it may still be processed. A row
// that another session has locked is left for the next sweep. `free` asks for the status again, because the row may
// have changed before it was locked.
const removePayloadsStatement: Statement = {
  name: "remove_old_payloads",
  text: `
    with old as (
      select organization_id, event_id, received_at,
        payload is not null and status in ('processed', 'stale', 'ignored') as wanted
      from webhook_events
      where received_at >= $1::timestamptz and received_at < $2
      order by received_at limit $3
    ),
    free as (
      select e.organization_id, e.event_id from old
      join webhook_events e on e.organization_id = old.organization_id and e.event_id = old.event_id
      where e.payload is not null and e.status in ('processed', 'stale', 'ignored')
      for update of e skip locked
    ),
    removed as (
      update webhook_events e set payload = null from free
      where e.organization_id = free.organization_id and e.event_id = free.event_id
      returning e.event_id
    )
    select (select count(*) from removed) as rows, max(received_at)::text as last,
      (min(received_at) filter (where wanted and not exists (
        select from free where free.organization_id = old.organization_id and free.event_id = old.event_id
      )))::text as locked
    from old`,
};

/** Removes payloads from where the last sweep stopped. The events' ids stay, so repeated deliveries are recognized. */
async function dropPayloads(
  pool: pg.Pool,
  now: Date,
  days: number,
  signal: AbortSignal,
  onDropped: (rows: number) => void,
): Promise<number> {
  const before = new Date(now.getTime() - days * DAY_MS);
  const position = await readPosition<{ received_at: string }>(pool, NIL_ORGANIZATION, "payloads");
  let after = position?.received_at ?? "-infinity";
  let firstLocked: string | null = null;
  let dropped = 0;
  while (!signal.aborted) {
    const page = await queryUnprepared<{ rows: bigint; last: string | null; locked: string | null }>(
      pool,
      removePayloadsStatement,
      [after, before, BATCH],
    );
    const [{ rows = 0n, last = null, locked = null } = {}] = page.rows;
    firstLocked ??= locked;
    dropped += Number(rows);
    onDropped(dropped);
    if (last === null || last === after) break;
    after = last;
    await savePosition(pool, NIL_ORGANIZATION, "payloads", { received_at: firstLocked ?? after }, now);
  }
  return dropped;
}

/**
 * Removes logs older than 90 days, events and payloads older than `retention` says, and the oldest marks of an
 * organization with too many. Months of events are dropped as a whole. The facts of removed events stay.
 *
 * @param onDropped called after each statement with the number of rows of this kind removed so far
 */
export async function dropOld(
  pool: pg.Pool,
  now: Date,
  { eventDays, payloadDays }: Retention,
  signal: AbortSignal,
  onDropped: (rows: number) => void,
): Promise<Readonly<Record<"logs" | "months" | "events" | "payloads" | "marks", number>>> {
  const daysAgo = (days: number) => new Date(now.getTime() - days * DAY_MS);
  const drop = async (statement: Statement, before: Date): Promise<number> => {
    let dropped = 0;
    while (!signal.aborted) {
      const rows = (await queryUnprepared(pool, statement, [before, BATCH])).rowCount ?? 0;
      dropped += rows;
      onDropped(dropped);
      if (rows < BATCH) break;
    }
    return dropped;
  };
  const logs = await drop(dropLogsStatement, daysAgo(LOG_RETENTION_DAYS));
  const before = daysAgo(eventDays);
  const { months, events } = await dropEvents(pool, before, signal, (statement) => drop(statement, before));
  // Payloads that are kept as long as their events go with them.
  const payloads =
    payloadDays < eventDays ? await dropPayloads(pool, now, payloadDays, signal, onDropped) : 0;
  return { logs, months, events, payloads, marks: signal.aborted ? 0 : await dropMarks(pool) };
}
