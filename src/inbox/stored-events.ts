import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { type Queryable, query } from "../database/query.js";
import { InvalidEnvelope, readEnvelope, type SquareEvent } from "../square/envelope.js";
import { readJson, UnreadableJson } from "../square/read-json.js";
import { LONGEST_WAIT_MS, MAX_ATTEMPTS } from "./backoff.js";
import {
  type EventSource,
  type FindHandler,
  interpret,
  type Outcome,
  type ReceivedEvent,
} from "./received-event.js";

/** An event of webhook_events, read for a retry or a replay. */
export interface StoredEvent {
  readonly organization_id: string;
  /**
   * Under the nil organization it may be `merchant_id/event_id` (see claimEvents). The payload holds the plain id.
   */
  readonly event_id: string;
  readonly source: EventSource;
  readonly attempts: number;
  readonly received_at: Date;
  /** As text, because the driver would round integers beyond 2^53. */
  readonly payload: string;
}

/** How long a retry may take before another process may retry the event. */
const LEASE_MS = 60_000;

// One statement leases the event and counts the attempt. So an event that kills the process also runs out of
// attempts. By the partial index webhook_events_due_idx. `skip locked` keeps two workers from taking the same event.
const leaseStatement = {
  name: "lease_due_events",
  text: `
    update webhook_events e set attempts = e.attempts + 1, next_attempt_at = $2
    from (
      select organization_id, event_id from webhook_events
      where status = 'deferred' and next_attempt_at <= $1
      order by next_attempt_at limit $3
      for update skip locked
    ) as due
    where e.organization_id = due.organization_id and e.event_id = due.event_id
    returning e.organization_id, e.event_id, e.source, e.attempts, e.received_at, e.payload::text as payload`,
};

// A clock that was wrong for a while may have left events that are due much too late. By the same index.
const recallStatement = {
  name: "recall_postponed_events",
  text: "update webhook_events set next_attempt_at = $1 where status = 'deferred' and next_attempt_at > $2",
};

/**
 * Leases up to `limit` deferred events for one minute: those that are due at `now`, and those whose next attempt is
 * further away than the longest wait.
 */
export async function leaseDueEvents(on: Queryable, now: Date, limit: number): Promise<StoredEvent[]> {
  await query(on, recallStatement, [now, new Date(now.getTime() + LONGEST_WAIT_MS)]);
  const leasedUntil = new Date(now.getTime() + LEASE_MS);
  const { rows } = await query<StoredEvent>(on, leaseStatement, [now, leasedUntil, limit]);
  return rows;
}

export interface EventFilter {
  readonly statuses?: readonly Outcome[];
  readonly types?: readonly string[];
  readonly since?: Date;
}

export interface EventPosition {
  readonly received_at: Date;
  readonly organization_id: string;
  readonly event_id: string;
}

// By webhook_events_received_idx, from the end of the last page. Both bounds are always given, so that the index is
// used.
const pageStatement = {
  name: "stored_events_page",
  text: `
    select organization_id, event_id, source, attempts, received_at, payload::text as payload
    from webhook_events
    where payload is not null and ($1::text[] is null or status = any ($1))
      and ($2::text[] is null or event_type = any ($2))
      and received_at between $3 and $4
      and (received_at, organization_id, event_id) > ($5, $6::uuid, $7)
    order by received_at, organization_id, event_id
    limit $8`,
};

/**
 * Reads one page of stored events that have their payload, in the order of their arrival, by a keyset cursor.
 *
 * @param until leaves out events received later, so that a replay does not meet the events it stores itself
 */
export async function storedEventsPage(
  on: Queryable,
  filter: EventFilter,
  until: Date,
  after: EventPosition | undefined,
  limit: number,
): Promise<StoredEvent[]> {
  const { rows } = await query<StoredEvent>(on, pageStatement, [
    filter.statuses ?? null,
    filter.types ?? null,
    filter.since ?? "-infinity",
    until,
    after?.received_at ?? "-infinity",
    after?.organization_id ?? NIL_ORGANIZATION,
    after?.event_id ?? "",
    limit,
  ]);
  return rows;
}

const countStatement = {
  name: "stored_events_count",
  text: `
    select count(*) as count from webhook_events
    where payload is not null and ($1::text[] is null or status = any ($1))
      and ($2::text[] is null or event_type = any ($2))
      and received_at between $3 and $4`,
};

export async function countStoredEvents(on: Queryable, filter: EventFilter, until: Date): Promise<number> {
  const { rows } = await query<{ count: bigint }>(on, countStatement, [
    filter.statuses ?? null,
    filter.types ?? null,
    filter.since ?? "-infinity",
    until,
  ]);
  return Number(rows[0]?.count ?? 0n);
}

const forgetStatement = {
  name: "forget_unknown_merchant_events",
  text: "delete from webhook_events where organization_id = $1 and merchant_id = $2 and event_id = any ($3)",
};

/**
 * Deletes events of a merchant that was unknown, after they were stored under its organization.
 *
 * @param storedIds their ids under the nil organization
 */
export async function forgetUnknownMerchantEvents(
  on: Queryable,
  merchantId: string,
  storedIds: readonly string[],
): Promise<void> {
  await query(on, forgetStatement, [NIL_ORGANIZATION, merchantId, storedIds]);
}

/**
 * Reads a stored event and interprets it again. If all its attempts began and none ended, the event probably kills
 * its process. It is not interpreted again and ends as dead.
 */
export function readStoredEvent(stored: StoredEvent, findHandler: FindHandler): ReceivedEvent {
  const { source, received_at: receivedAt, event_id } = stored;
  const received = { source, receivedAt, attempts: Math.min(stored.attempts, MAX_ATTEMPTS) };
  const event = readPayload(stored);
  if (event === undefined) {
    // The payload was readable when it came, so it was changed by hand. It must not block the other events.
    const interpretation = { kind: "dead", reason: "the stored payload is not an event" } as const;
    return { ...received, event: { ...NOTHING_READ, event_id }, interpretation };
  }
  if (stored.attempts > MAX_ATTEMPTS) {
    const interpretation = { kind: "failed", reason: "every attempt was cut off" } as const;
    return { ...received, event, interpretation };
  }
  return { ...received, event, interpretation: interpret(event, findHandler) };
}

const NOTHING_READ: Omit<SquareEvent, "event_id"> = {
  merchant_id: "",
  type: "",
  created_at: null,
  location_id: null,
  data: { type: null, id: null, deleted: false, object: null },
  payload: {},
};

function readPayload({ payload }: StoredEvent): SquareEvent | undefined {
  try {
    return readEnvelope(readJson(Buffer.from(payload, "utf8")));
  } catch (error) {
    if (error instanceof InvalidEnvelope || error instanceof UnreadableJson) return undefined;
    throw error;
  }
}

// By the primary key of every month, because the event's own month is not known here. An unknown merchant's event may
// be stored as merchant_id/event_id (see claimEvents).
const isStoredStatement = {
  name: "is_stored_event",
  text: `
    select 1 from webhook_events
    where organization_id = coalesce((select id from organizations where square_merchant_id = $1), $3)
      and merchant_id = $1 and event_id in ($2, $1 || '/' || $2)
    limit 1`,
};

/** Whether an event of this merchant is stored, known or not. */
export async function isStoredEvent(on: Queryable, merchantId: string, eventId: string): Promise<boolean> {
  const { rows } = await query(on, isStoredStatement, [merchantId, eventId, NIL_ORGANIZATION]);
  return rows.length > 0;
}
