import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { type Queryable, query, type Statement } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import { MAX_ATTEMPTS, nextAttemptAt } from "./backoff.js";
import { createdMonth } from "./event-months.js";
import type { Outcome, ReceivedEvent } from "./received-event.js";

/** `new` events are claimed by inserting them. `retry` and `replay` claim events that are stored already. */
export type BatchMode = "new" | "retry" | "replay";

/** Events of one organization that are processed in one transaction. */
export interface Batch {
  readonly organizationId: string;
  /** If several have the same id, the first counts and the others are duplicates. */
  readonly events: readonly ReceivedEvent[];
  /** The instant at which rows are computed. */
  readonly now: Date;
  readonly mode: BatchMode;
}

/**
 * `earlier` is the event's status before, null for a new event. Undefined when this batch must not process the event.
 */
export type Claim = { readonly earlier: Outcome | null } | undefined;

/** A row of webhook_events. */
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
  readonly created_month: string;
}

const columns = `event_id text, merchant_id text, event_type text, status text, attempts integer,
      next_attempt_at timestamptz, last_error text, received_at timestamptz, processed_at timestamptz, source text,
      payload jsonb, created_month date`;
const names = `event_id, merchant_id, event_type, status, attempts, next_attempt_at, last_error, received_at,
      processed_at, source, payload, created_month`;

// Inserts in the order of the ids, so that two batches with the same events do not deadlock.
// By the primary key of the partition that the event's own month names. A conflict names no index, because
// webhook_events_earlier has a further unique one (src/inbox/event-months.ts).
const claimStatement = {
  name: "claim_events",
  text: `
    insert into webhook_events (organization_id, ${names})
    select $1, ${names} from jsonb_to_recordset($2::jsonb) as e (${columns})
    order by event_id collate "C"
    on conflict do nothing
    returning event_id, null as earlier`,
};

// Events of all unknown merchants share the nil organization, so an id may belong to another merchant's event.
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
    on conflict do nothing
    returning substr(event_id, length(merchant_id) + 2) as event_id, null as earlier`,
};

// $4 is true for a retry. A retry takes an event only while it holds the lease: the event must still be deferred,
// with the same number of attempts. By the primary key of every month.
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
 * Claims a batch's events and writes the status that each will have. A `new` batch inserts its events and does not
 * claim those that are stored already. A `retry` claims only events that are still deferred with the attempt it has
 * begun. A `replay` claims all its events. If another transaction is inserting the same id, this waits for it.
 *
 * Under the nil organization a `new` batch must hold events of one merchant. An id that another merchant has used is
 * stored as `merchant_id/event_id`.
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

/** Changes the status of claimed events. */
export async function setEventStatus(
  on: Queryable,
  organizationId: string,
  events: readonly ReceivedEvent[],
  status: Outcome,
): Promise<void> {
  if (events.length > 0)
    await query(on, setStatusStatement, [organizationId, eventIdsOf({ events }), status]);
}

/** The outcome of an event if nothing fails from here on. */
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
    created_month: createdMonth(event),
  };
}
