import type pg from "pg";
import type { Retention } from "../config.js";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { readPosition, savePosition } from "../database/positions.js";
import { queryUnprepared, type Statement } from "../database/query.js";

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

// Index: webhook_events_received_idx from its beginning. A deferred event is never removed, because it is not
// processed yet.
const dropEventsStatement = {
  name: "drop_old_events",
  text: `
    delete from webhook_events where (organization_id, event_id) in (
      select organization_id, event_id from webhook_events
      where received_at < $1 and status <> 'deferred'
      order by received_at limit $2
      for update skip locked
    )`,
};

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

// By webhook_events_received_idx. A deferred or dead event keeps its payload, because it may still be processed.
const removePayloadsStatement: Statement = {
  name: "remove_old_payloads",
  text: `
    with old as (
      select organization_id, event_id, received_at from webhook_events
      where received_at >= $1::timestamptz and received_at < $2
      order by received_at limit $3
    ),
    removed as (
      update webhook_events e set payload = null from old
      where e.organization_id = old.organization_id and e.event_id = old.event_id
        and e.payload is not null and e.status in ('processed', 'stale', 'ignored')
      returning e.event_id
    )
    select (select count(*) from removed) as rows, max(received_at)::text as last from old`,
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
  let dropped = 0;
  while (!signal.aborted) {
    const page = await queryUnprepared<{ rows: bigint; last: string | null }>(pool, removePayloadsStatement, [
      after,
      before,
      BATCH,
    ]);
    const [{ rows = 0n, last = null } = {}] = page.rows;
    dropped += Number(rows);
    onDropped(dropped);
    if (last === null || last === after) break;
    after = last;
    await savePosition(pool, NIL_ORGANIZATION, "payloads", { received_at: after }, now);
  }
  return dropped;
}

/**
 * Removes logs older than 90 days, events and payloads older than `retention` says, and the oldest marks of an
 * organization with too many. The facts of removed events stay.
 *
 * @param onDropped called after each statement with the number of rows of this kind removed so far
 */
export async function dropOld(
  pool: pg.Pool,
  now: Date,
  { eventDays, payloadDays }: Retention,
  signal: AbortSignal,
  onDropped: (rows: number) => void,
): Promise<Readonly<Record<"logs" | "events" | "payloads" | "marks", number>>> {
  const drop = async (statement: Statement, days: number): Promise<number> => {
    const before = new Date(now.getTime() - days * DAY_MS);
    let dropped = 0;
    while (!signal.aborted) {
      const rows = (await queryUnprepared(pool, statement, [before, BATCH])).rowCount ?? 0;
      dropped += rows;
      onDropped(dropped);
      if (rows < BATCH) break;
    }
    return dropped;
  };
  const logs = await drop(dropLogsStatement, LOG_RETENTION_DAYS);
  const events = await drop(dropEventsStatement, eventDays);
  const payloads = await dropPayloads(pool, now, payloadDays, signal, onDropped);
  return { logs, events, payloads, marks: signal.aborted ? 0 : await dropMarks(pool) };
}
