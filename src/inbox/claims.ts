import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { type Queryable, query, type Statement } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import { MAX_ATTEMPTS, nextAttemptAt } from "./backoff.js";
import type { Outcome, ReceivedEvent } from "./received-event.js";

/** New events are claimed by storing them; events stored before are taken up again. */
export type BatchMode = "new" | "retry" | "replay";

/** Events of one organization that share a transaction. */
export interface Batch {
  readonly organizationId: string;
  /** Of several with one id the first counts, and the others are its duplicates. */
  readonly events: readonly ReceivedEvent[];
  /** The instant of computation. */
  readonly now: Date;
  readonly mode: BatchMode;
}

/** An event that is ours to process, with the status it had before: NULL when it is new. Undefined: it is not ours. */
export type Claim = { readonly earlier: Outcome | null } | undefined;

/** A row of webhook_events: how an event is claimed, by its id, in the transaction that has its effect. */
interface EventRow {
  readonly event_id: string;
  readonly merchant_id: string;
  readonly event_type: string;
  readonly status: Outcome;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly last_error: string | null;
  readonly received_at: string;
  readonly processed_at: string | null;
  readonly source: string;
  readonly payload: unknown;
}

const columns = `event_id text, merchant_id text, event_type text, status text, attempts integer,
      next_attempt_at timestamptz, last_error text, received_at timestamptz, processed_at timestamptz, source text,
      payload jsonb`;
const names = `event_id, merchant_id, event_type, status, attempts, next_attempt_at, last_error, received_at,
      processed_at, source, payload`;

// In the order of the ids, so that two batches with the same events wait for each other and do not deadlock.
const claimStatement = {
  name: "claim_events",
  text: `
    insert into webhook_events (organization_id, ${names})
    select $1, ${names} from jsonb_to_recordset($2::jsonb) as e (${columns})
    order by event_id collate "C"
    on conflict (organization_id, event_id) do nothing
    returning event_id, null as earlier`,
};

// Events of several unknown merchants share one organization here, so the plain id may be another merchant's.
const claimQualifiedStatement = {
  name: "claim_events_qualified",
  text: `
    insert into webhook_events (organization_id, ${names})
    select $1, e.merchant_id || '/' || ${names} from jsonb_to_recordset($2::jsonb) as e (${columns})
    where exists (
      select from webhook_events other
      where other.organization_id = $1 and other.event_id = e.event_id and other.merchant_id <> e.merchant_id
    )
    order by event_id collate "C"
    on conflict (organization_id, event_id) do nothing
    returning substr(event_id, length(merchant_id) + 2) as event_id, null as earlier`,
};

// Of a retry only while its lease holds: an event that another worker has taken up since, or has ended, is left alone.
const takeStatement = {
  name: "take_events",
  text: `
    with wanted as (
      select e.event_id, e.status from webhook_events e
      where e.organization_id = $1 and e.event_id = any ($3)
      order by e.event_id collate "C" for update
    )
    update webhook_events stored set
      status = e.status, attempts = e.attempts, next_attempt_at = e.next_attempt_at, last_error = e.last_error,
      processed_at = e.processed_at
    from jsonb_to_recordset($2::jsonb) as e (${columns}), wanted
    where stored.organization_id = $1 and stored.event_id = e.event_id and wanted.event_id = e.event_id
      and (not $4 or (stored.status = 'deferred' and least(stored.attempts, ${MAX_ATTEMPTS}) = e.attempts))
    returning stored.event_id, wanted.status as earlier`,
};

const setStatusStatement = {
  name: "set_event_status",
  text: "update webhook_events set status = $3 where organization_id = $1 and event_id = any ($2)",
};

/**
 * Claims a batch's events, each as it is about to end. New ones are stored; those that were stored before are not ours. Stored ones are
 * taken up again, for a `retry` only those that are still deferred with the attempt that was begun. Under the nil organization,
 * where a batch of new events must be of one merchant, an id that another merchant has taken is stored as `merchant_id/event_id`.
 *
 * An id another transaction is storing is waited for.
 *
 * @returns a claim for each event of the batch, in their order
 */
export async function claimEvents(on: Queryable, batch: Batch): Promise<Claim[]> {
  const { organizationId, mode } = batch;
  if (mode !== "new") return claimBy(takeStatement, on, batch, [eventIdsOf(batch), mode === "retry"]);
  const claims = await claimBy(claimStatement, on, batch);
  if (organizationId !== NIL_ORGANIZATION || !claims.includes(undefined)) return claims;
  const rest = batch.events.filter((_, index) => claims[index] === undefined);
  const qualified = await claimBy(claimQualifiedStatement, on, { ...batch, events: rest });
  return claims.map((claim) => claim ?? qualified.shift());
}

async function claimBy(
  statement: Statement,
  on: Queryable,
  batch: Batch,
  more: readonly unknown[] = [],
): Promise<Claim[]> {
  const distinct = new Map(batch.events.toReversed().map((received) => [received.event.event_id, received]));
  const rows = [...distinct.values()].map((received) => eventRow(received, batch.now));
  const claimed = await query<{ event_id: string; earlier: Outcome | null }>(on, statement, [
    batch.organizationId,
    writeJson(rows),
    ...more,
  ]);
  const earlier = new Map(claimed.rows.map((row) => [row.event_id, row.earlier]));
  return eventIdsOf(batch).map((eventId) => {
    const found = earlier.get(eventId);
    earlier.delete(eventId);
    return found === undefined ? undefined : { earlier: found };
  });
}

function eventIdsOf({ events }: Pick<Batch, "events">): string[] {
  return events.map(({ event }) => event.event_id);
}

/** Gives events that are claimed another status. */
export async function setEventStatus(
  on: Queryable,
  organizationId: string,
  events: readonly ReceivedEvent[],
  status: Outcome,
): Promise<void> {
  if (events.length > 0)
    await query(on, setStatusStatement, [organizationId, eventIdsOf({ events }), status]);
}

/** How an event ends if nothing goes wrong from here on. */
export function expectedOutcome({ interpretation, attempts }: ReceivedEvent): Outcome {
  if (interpretation.kind === "facts") return "processed";
  if (interpretation.kind === "failed") return attempts < MAX_ATTEMPTS ? "deferred" : "dead";
  return interpretation.kind;
}

function eventRow(received: ReceivedEvent, now: Date): EventRow {
  const { event, interpretation, attempts, receivedAt, source } = received;
  const status = expectedOutcome(received);
  return {
    event_id: event.event_id,
    merchant_id: event.merchant_id,
    event_type: event.type,
    status,
    attempts,
    next_attempt_at: status === "deferred" ? nextAttemptAt(attempts, now).toISOString() : null,
    last_error: "reason" in interpretation ? interpretation.reason : null,
    received_at: receivedAt.toISOString(),
    processed_at: status === "deferred" ? null : now.toISOString(),
    source,
    payload: event.payload,
  };
}
