import type pg from "pg";
import { type Queryable, query, type Statement } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import type { Arrival, Outcome } from "./arrival.js";
import { MAX_ATTEMPTS, nextAttemptAt } from "./backoff.js";

/** Events of a merchant we do not know are kept under this organization until the merchant is added. */
export const NIL_ORGANIZATION = "00000000-0000-0000-0000-000000000000";

/** The events that are ours to process, by id, each with the status it had before; a new one had none. */
export type Claimed = ReadonlyMap<string, Outcome | undefined>;

/** The rows of webhook_events: how an event is claimed, by its id, in the transaction that has its effect. */

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
    returning event_id`,
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
    returning substr(event_id, length(merchant_id) + 2) as event_id`,
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
 * Stores events as they are about to end; those that were stored before are left alone. Under the nil organization,
 * where `arrivals` must be of one merchant, an id that another merchant has taken is stored as `merchant_id/event_id`.
 *
 * @returns the events that are ours to process. An id another transaction is storing is waited for.
 */
export async function claimEvents(
  tx: Queryable,
  organizationId: string,
  arrivals: readonly Arrival[],
  now: Date,
): Promise<Claimed> {
  const claimed = await claimBy(claimStatement, tx, organizationId, arrivals, now);
  const rest = arrivals.filter(({ event }) => !claimed.has(event.event_id));
  if (organizationId !== NIL_ORGANIZATION || rest.length === 0) return claimed;
  return new Map([...claimed, ...(await claimBy(claimQualifiedStatement, tx, organizationId, rest, now))]);
}

async function claimBy(
  statement: Statement,
  tx: Queryable,
  organizationId: string,
  arrivals: readonly Arrival[],
  now: Date,
): Promise<Claimed> {
  const { rows } = await query<{ event_id: string }>(tx, statement, [
    organizationId,
    writeJson(arrivals.map((arrival) => eventRow(arrival, now))),
  ]);
  return new Map(rows.map((row) => [row.event_id, undefined]));
}

/**
 * The same for events that are stored already and processed again.
 *
 * @param kind a `retry` takes only events that are still deferred, with the attempt that `arrivals` began
 */
export async function takeEvents(
  tx: Queryable,
  organizationId: string,
  arrivals: readonly Arrival[],
  now: Date,
  kind: "retry" | "replay",
): Promise<Claimed> {
  const { rows } = await query<{ event_id: string; earlier: Outcome }>(tx, takeStatement, [
    organizationId,
    writeJson(arrivals.map((arrival) => eventRow(arrival, now))),
    arrivals.map((arrival) => arrival.event.event_id),
    kind === "retry",
  ]);
  return new Map(rows.map((row) => [row.event_id, row.earlier]));
}

export async function setEventStatus(
  tx: pg.PoolClient,
  organizationId: string,
  eventIds: readonly string[],
  status: Outcome,
): Promise<void> {
  if (eventIds.length > 0) await query(tx, setStatusStatement, [organizationId, eventIds, status]);
}

/** How an event ends if nothing goes wrong from here on. */
export function expectedOutcome(arrival: Arrival): Outcome {
  const { meaning, attempts } = arrival;
  if (meaning.kind === "facts") return "processed";
  if (meaning.kind === "failed") return attempts < MAX_ATTEMPTS ? "deferred" : "dead";
  return meaning.kind;
}

function eventRow(arrival: Arrival, now: Date): EventRow {
  const { event, meaning, attempts } = arrival;
  const status = expectedOutcome(arrival);
  return {
    event_id: event.event_id,
    merchant_id: event.merchant_id,
    event_type: event.type,
    status,
    attempts,
    next_attempt_at: status === "deferred" ? nextAttemptAt(attempts, now).toISOString() : null,
    last_error: "reason" in meaning ? meaning.reason : null,
    received_at: arrival.receivedAt.toISOString(),
    processed_at: status === "deferred" ? null : now.toISOString(),
    source: arrival.source,
    payload: event.payload,
  };
}
