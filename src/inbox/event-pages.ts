import type pg from "pg";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { type Queryable, queryUnprepared } from "../database/query.js";
import type { Inbox } from "./inbox.js";
import type { EventSource, Outcome } from "./received-event.js";
import type { StoredEvent } from "./stored-events.js";

/** A stored event without its payload, which is personal data. */
export interface EventRow {
  /** The nil UUID for an event of an unknown merchant. */
  readonly organization_id: string;
  readonly event_id: string;
  readonly merchant_id: string;
  readonly event_type: string;
  readonly status: StoredStatus;
  readonly attempts: number;
  readonly source: EventSource;
  readonly received_at: Date;
  readonly processed_at: Date | null;
  readonly next_attempt_at: Date | null;
  readonly last_error: string | null;
  /** `last_error` without positions in lists, so that events with the same cause have the same reason. */
  readonly reason: string | null;
}

/** The outcomes of stored events. A duplicate is not stored. */
export const storedStatuses = ["processed", "stale", "ignored", "deferred", "dead"] as const;
export type StoredStatus = Exclude<Outcome, "duplicate">;

export interface EventPageFilter {
  readonly statuses?: readonly StoredStatus[] | undefined;
  readonly type?: string | undefined;
  readonly organizationId?: string | undefined;
  readonly reason?: string | undefined;
}

/** Where a page ends. `received_at` is text, so that it keeps its microseconds. */
export interface EventCursor {
  readonly received_at: string;
  readonly organization_id: string;
  readonly event_id: string;
}

/** SQL for the reason of event `e`. */
export const reasonOf = (e: string) => `regexp_replace(${e}.last_error, '\\.[0-9]+(?=[.:])', '.*', 'g')`;

const selected = `e.organization_id, e.event_id, e.merchant_id, e.event_type, e.status, e.attempts, e.source, e.received_at,
      e.processed_at, e.next_attempt_at, e.last_error, ${reasonOf("e")} as reason, e.received_at::text as cursor_time`;

const isWanted = `
      ($1::text is null or e.event_type = $1) and ($2::text is null or ${reasonOf("e")} = $2)
      and e.received_at <= $3::timestamptz
      and (e.received_at, e.organization_id, e.event_id) < ($3::timestamptz, $4::uuid, $5::text)`;

const newestFirst = "order by received_at desc, organization_id desc, event_id desc limit $6";

// By webhook_events_received_idx, from its end.
const allStatement = {
  name: "events_page",
  text: `select ${selected} from webhook_events e where ${isWanted} ${newestFirst}`,
};

// By webhook_events_status_idx, from the end of each status of each organization. Walking through all events would
// take long when few of them match.
const chosenStatement = {
  name: "events_page_by_status",
  text: `
    select page.* from unnest($7::text[]) as s (status)
    cross join (
      select id from organizations union all select '${NIL_ORGANIZATION}'
    ) as o (id)
    cross join lateral (
      select ${selected} from webhook_events e
      where e.status = s.status and e.organization_id = o.id and ${isWanted} ${newestFirst}
    ) as page
    where $8::uuid is null or o.id = $8
    ${newestFirst}`,
};

export interface EventPage {
  readonly events: readonly EventRow[];
  /** Where the next page begins. Null after the last page. */
  readonly next: EventCursor | null;
}

const FROM_THE_END: EventCursor = {
  received_at: "infinity",
  organization_id: "ffffffff-ffff-ffff-ffff-ffffffffffff",
  event_id: "",
};

/** Reads one page of stored events, the newest first, by a keyset cursor. */
export async function eventsPage(
  on: Queryable,
  { statuses, type, organizationId, reason }: EventPageFilter,
  after: EventCursor | null,
  limit: number,
): Promise<EventPage> {
  const { received_at, organization_id, event_id } = after ?? FROM_THE_END;
  const values = [type ?? null, reason ?? null, received_at, organization_id, event_id, limit + 1];
  const isChosen = statuses !== undefined || organizationId !== undefined;
  const { rows } = isChosen
    ? await queryUnprepared<EventRow & { cursor_time: string }>(on, chosenStatement, [
        ...values,
        statuses ?? storedStatuses,
        organizationId ?? null,
      ])
    : await queryUnprepared<EventRow & { cursor_time: string }>(on, allStatement, values);
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    events: page.map(({ cursor_time: _, ...event }) => event),
    next: last
      ? { received_at: last.cursor_time, organization_id: last.organization_id, event_id: last.event_id }
      : null,
  };
}

// By the primary key of every month.
const withPayloadStatement = {
  name: "stored_events_by_id",
  text: `
    select ${selected}, e.payload::text as payload
    from unnest($1::uuid[], $2::text[]) as named (organization_id, event_id)
    join webhook_events e on e.organization_id = named.organization_id and e.event_id = named.event_id`,
};

/** A stored event with its payload as JSON text. NULL: it was removed by its age (PAYLOAD_RETENTION_DAYS). */
export type EventWithPayload = EventRow & Omit<StoredEvent, "payload"> & { readonly payload: string | null };

/** Reads events with their stored payload. Events that do not exist are left out. */
export async function eventsWithPayload(
  on: Queryable,
  events: readonly Pick<EventRow, "organization_id" | "event_id">[],
): Promise<EventWithPayload[]> {
  const { rows } = await queryUnprepared<EventWithPayload & { cursor_time: string }>(
    on,
    withPayloadStatement,
    [events.map(({ organization_id }) => organization_id), events.map(({ event_id }) => event_id)],
  );
  return rows.map(({ cursor_time: _, ...event }) => event);
}

/** Whether the event can be processed again. */
export function isReplayable(event: EventWithPayload): event is EventRow & StoredEvent {
  return event.payload !== null;
}

/** How many events are replayed in one transaction. Small transactions hardly delay webhooks. */
const REPLAYED_AT_ONCE = 64;

export interface ReplayedGroup {
  readonly replayed: number;
  readonly by_status: Readonly<Partial<Record<Outcome, number>>>;
  /** Where to continue if there are more than `limit` events. Null if there are no more. */
  readonly next: EventCursor | null;
}

/**
 * Processes the stored events of a group again, the newest first. Events without their payload are left out.
 *
 * @param limit how many at most
 * @throws when the database is unavailable; processed events stay processed
 */
export async function replayGroup(
  { pool, inbox }: { readonly pool: pg.Pool; readonly inbox: Pick<Inbox, "redrive"> },
  filter: EventPageFilter,
  after: EventCursor | null,
  limit: number,
): Promise<ReplayedGroup> {
  const byStatus: Partial<Record<Outcome, number>> = {};
  let replayed = 0;
  let next = after;
  do {
    const page = await eventsPage(pool, filter, next, Math.min(REPLAYED_AT_ONCE, limit - replayed));
    const events = (await eventsWithPayload(pool, page.events)).filter(isReplayable);
    for (const outcome of await inbox.redrive(events)) {
      byStatus[outcome] = (byStatus[outcome] ?? 0) + 1;
      replayed += 1;
    }
    next = page.next;
  } while (next !== null && replayed < limit);
  return { replayed, by_status: byStatus, next };
}
