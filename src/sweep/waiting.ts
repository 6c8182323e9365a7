import { type Queryable, queryUnprepared } from "../database/query.js";
import { noteError, type ReportedError } from "../errors.js";

/** All retries of an event take about two hours. An event that has waited for one hour is reported. */
const TOO_LONG_MS = 60 * 60_000;

// Index: webhook_events_due_idx, which holds only deferred events.
const waitingStatement = {
  name: "events_waiting_too_long",
  text: `
    select organization_id, count(*)::integer as events, min(received_at) as since
    from (select organization_id, received_at from webhook_events where status = 'deferred' offset 0) as deferred
    where received_at < $1
    group by organization_id order by organization_id`,
};

interface Waiting {
  readonly organization_id: string;
  readonly events: number;
  readonly since: Date;
}

/**
 * Notes an error for each organization with deferred events that arrived more than an hour ago.
 *
 * @returns the number of such events
 */
export async function noteWaitingEvents(on: Queryable, now: Date, errors: ReportedError[]): Promise<number> {
  const before = new Date(now.getTime() - TOO_LONG_MS);
  const { rows } = await queryUnprepared<Waiting>(on, waitingStatement, [before]);
  for (const { organization_id, events, since } of rows) {
    const message =
      `${events} event(s) are deferred, the oldest since ${since.toISOString()}. ` +
      "To see why: regulars events list --status deferred. To retry now: regulars replay --status deferred";
    noteError(errors, { organization_id, step: "events", code: "events_waiting", message });
  }
  return rows.reduce((sum, { events }) => sum + events, 0);
}
