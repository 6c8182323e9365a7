import { queryUnprepared, type Statement } from "../database/query.js";
import type { SweepRun } from "./sweep-run.js";

const DAY_MS = 24 * 3600 * 1000;
const LOG_RETENTION_DAYS = 90;

/** Rows of one statement: short enough that nobody waits for it. */
const BATCH = 1_000;

/** How long raw events are kept unless it is said otherwise. */
export const EVENT_RETENTION_DAYS = 90;

// The table holds a row for each sweep and refresh of 90 days.
const dropLogsStatement = {
  name: "drop_old_logs",
  text: `
    delete from application_logs where log_id in (
      select log_id from application_logs where created_at < $1 order by created_at limit $2
    )`,
};

// webhook_events_received_idx from its beginning. A deferred event is still to be processed, however old it is.
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

/** Removes logs older than 90 days, and raw events older than `eventDays`. What the events did stays. */
export async function dropOld(run: SweepRun, eventDays: number): Promise<void> {
  const logs = await drop(run, dropLogsStatement, LOG_RETENTION_DAYS);
  const events = await drop(run, dropEventsStatement, eventDays);
  if (logs + events > 0) run.context.log.info({ logs, events }, "old logs and events removed");
}

async function drop({ context, onProgress }: SweepRun, statement: Statement, days: number): Promise<number> {
  const before = new Date(context.clock().getTime() - days * DAY_MS);
  let dropped = 0;
  while (!context.signal.aborted) {
    const { rowCount } = await queryUnprepared(context.database.pool, statement, [before, BATCH]);
    dropped += rowCount ?? 0;
    onProgress({ step: "retention", done: dropped });
    if ((rowCount ?? 0) < BATCH) break;
  }
  return dropped;
}
