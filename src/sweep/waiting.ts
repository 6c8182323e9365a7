import { type Queryable, queryUnprepared } from "../database/query.js";
import { noteError, type ReportedError } from "../errors.js";

/** Retries alone take about two hours; an event that waits for one is worth a look. */
const TOO_LONG_MS = 60 * 60_000;

// webhook_events_due_idx, whose rows are the deferred ones.
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
 * Notes the organizations whose deferred events have waited for more than an hour.
 *
 * @returns how many such events there are
 */
export async function noteWaitingEvents(on: Queryable, now: Date, errors: ReportedError[]): Promise<number> {
  const before = new Date(now.getTime() - TOO_LONG_MS);
  const { rows } = await queryUnprepared<Waiting & Record<string, unknown>>(on, waitingStatement, [before]);
  for (const { organization_id, events, since } of rows) {
    const message =
      `${events} event(s) wait since ${since.toISOString()}. Why: regulars events list --status deferred. ` +
      "Again now: regulars replay --status deferred";
    noteError(errors, { organization_id, step: "events", code: "events_waiting", message });
  }
  return rows.reduce((sum, { events }) => sum + events, 0);
}
