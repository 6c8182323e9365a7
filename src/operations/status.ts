import { type Queryable, queryUnprepared } from "../database/query.js";
import type { ReplicaStatus } from "../database/replica.js";
import type { ReportedError } from "../errors.js";
import { reasonOf } from "../inbox/event-pages.js";
import type { Outcome } from "../inbox/received-event.js";
import { SWEEP_CRON_NAME, SWEEP_LOG_TYPE } from "../sweep/log-row.js";
import type { SweepMode, SweepReport } from "../sweep/report.js";
import { lastEventAt } from "./organizations.js";
import { readSilence, type Silence } from "./silence.js";
import type { SubscriptionStatus } from "./subscription-status.js";
import { type TokenRow, type TokenStatus, tokenStatusOf } from "./token-status.js";
import { type Verdict, verdictOf } from "./verdict.js";

/**
 * The state of inbox, sweeps and organizations (`/admin/jobs/status`). It holds no payloads, tokens or personal data.
 */
export interface JobsStatus {
  readonly verdict: Verdict;
  readonly inbox: {
    /** The number of events by status. A status without events is left out. */
    readonly by_status: Readonly<Partial<Record<Outcome, number>>>;
    /** The age of the oldest unprocessed event in seconds. Null when there is none. */
    readonly oldest_unprocessed_seconds: number | null;
    /** The newest dead events, at most 20. */
    readonly dead_events: readonly DeadEvent[];
    /** All dead events by type and reason, the most frequent first, at most 20 groups. */
    readonly dead_by_reason: readonly DeadGroup[];
  };
  /** The newest sweeps first, at most 20. */
  readonly sweeps: readonly SweepRecord[];
  /** The drift that the last ended sweep found, by column. */
  readonly drift: readonly { readonly column: string; readonly rows: number }[];
  /** The number of rows that came due and are not recomputed yet. */
  readonly rows_due: number;
  readonly organizations: readonly OrganizationStatus[];
  readonly silence: readonly Silence[];
  /** The replica from which this process reads reports. Null when DATABASE_READ_URL is not set. */
  readonly replica: ReplicaStatus | null;
  /** The webhook subscription. Null when SQUARE_APPLICATION_ACCESS_TOKEN is not set, so that it is not checked. */
  readonly subscription: SubscriptionStatus | null;
}

export interface DeadGroup {
  readonly event_type: string;
  /** The `reason` for `POST /admin/events/replay`. */
  readonly reason: string | null;
  readonly events: number;
  readonly oldest_received_at: Date;
  readonly newest_received_at: Date;
}

export interface DeadEvent {
  readonly organization_id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly received_at: Date;
}

export interface SweepRecord {
  readonly cron_id: string;
  readonly mode: SweepMode;
  readonly status: "processing" | "completed" | "error";
  readonly created_at: Date;
  readonly completed_at: Date | null;
  readonly duration_ms: number | null;
  /** How long each step took. A running sweep lists the steps that have ended. */
  readonly steps: SweepReport["steps"];
  /** What is left for later sweeps. */
  readonly waiting: SweepReport["waiting"] | null;
  readonly checked: number | null;
  readonly time_decayed: number | null;
  readonly drifted: number | null;
  readonly corrected: number | null;
  readonly created: number | null;
  readonly deleted: number | null;
  readonly complete: boolean | null;
  readonly errors: readonly ReportedError[];
}

export interface OrganizationStatus {
  readonly organization_id: string;
  readonly name: string;
  readonly status: string;
  readonly has_access_token: boolean;
  readonly token: TokenStatus;
  readonly last_event_at: Date | null;
  /** The number of objects that events have marked and that are not fetched yet. */
  readonly pending_fetches: number;
  /** When the last complete pull began, RFC 3339. */
  readonly last_pull_at: string | null;
  /** How many pulls since then did not finish. */
  readonly unfinished_pulls: number;
  /** The watermark of each pulled list. */
  readonly watermarks: Readonly<Record<string, unknown>>;
}

const SHOWN = 20;

/** @param now the instant for ages and for due rows */
export async function readStatus(
  on: Queryable,
  now: Date,
  { replica = null, subscription = null }: Partial<Pick<JobsStatus, "replica" | "subscription">> = {},
): Promise<JobsStatus> {
  const work = await readWork(on, now);
  const silence = await readSilence(on, now);
  const standing = { ...work, silence, replica, subscription };
  return { verdict: verdictOf(standing, now), ...standing };
}

/** The part of the status that is read from the tables alone. */
export async function readWork(
  on: Queryable,
  now: Date,
): Promise<Omit<JobsStatus, "verdict" | "silence" | "replica" | "subscription">> {
  const sweeps = await readSweeps(on);
  return {
    inbox: await readInbox(on, now),
    sweeps: sweeps.map(recordOf),
    drift: sweeps.find(({ status }) => status !== "processing")?.payload.drift ?? [],
    rows_due: await countDue(on, now),
    organizations: await readOrganizations(on, now),
  };
}

// By webhook_events_status_idx alone.
const byStatusStatement = {
  name: "events_by_status",
  text: "select status, count(*) as count from webhook_events group by status order by status",
};

// By webhook_events_due_idx, which holds the deferred events. Without `offset 0`, here and below, the planner could
// walk through all events by arrival until one has the status.
const oldestStatement = {
  name: "oldest_deferred_event",
  text: `
    select extract(epoch from $1::timestamptz - min(received_at))::float8 as seconds
    from (select received_at from webhook_events where status = 'deferred' offset 0) as deferred`,
};

// By webhook_events_status_idx. It reads all dead events, which are few.
const deadStatement = {
  name: "newest_dead_events",
  text: `
    select organization_id, event_id, event_type, last_error as reason, attempts, received_at
    from (select * from webhook_events where status = 'dead' offset 0) as dead
    order by received_at desc, event_id limit $1`,
};

// By webhook_events_status_idx, as above.
const deadGroupsStatement = {
  name: "dead_events_by_reason",
  text: `
    select event_type, ${reasonOf("dead")} as reason, count(*)::integer as events,
      min(received_at) as oldest_received_at, max(received_at) as newest_received_at
    from (select * from webhook_events where status = 'dead' offset 0) as dead
    group by event_type, reason order by events desc, event_type, reason limit $1`,
};

async function readInbox(on: Queryable, now: Date): Promise<JobsStatus["inbox"]> {
  const counts = await queryUnprepared<{ status: Outcome; count: bigint }>(on, byStatusStatement);
  const oldest = await queryUnprepared<{ seconds: number | null }>(on, oldestStatement, [now]);
  const dead = await queryUnprepared<DeadEvent>(on, deadStatement, [SHOWN]);
  const groups = await queryUnprepared<DeadGroup>(on, deadGroupsStatement, [SHOWN]);
  const seconds = oldest.rows[0]?.seconds ?? null;
  return {
    by_status: Object.fromEntries(counts.rows.map(({ status, count }) => [status, Number(count)])),
    oldest_unprocessed_seconds: seconds === null ? null : Math.max(Math.round(seconds), 0),
    dead_events: dead.rows,
    dead_by_reason: groups.rows,
  };
}

// By application_logs_type_idx.
const sweepsStatement = {
  name: "last_sweeps",
  text: `
    select log_id, status, created_at, completed_at, duration_ms, payload from application_logs
    where log_type = $1 and payload ->> 'cron_name' = $2
    order by created_at desc, log_id limit $3`,
};

interface SweepRow extends Pick<SweepRecord, "status" | "created_at" | "completed_at" | "duration_ms"> {
  readonly log_id: string;
  /** The report so far. A killed sweep's report is incomplete. */
  readonly payload: Partial<SweepReport> & Pick<SweepReport, "mode">;
}

async function readSweeps(on: Queryable): Promise<SweepRow[]> {
  const values = [SWEEP_LOG_TYPE, SWEEP_CRON_NAME, SHOWN];
  return (await queryUnprepared<SweepRow>(on, sweepsStatement, values)).rows;
}

function recordOf({ log_id, status, created_at, completed_at, duration_ms, payload }: SweepRow): SweepRecord {
  return {
    cron_id: log_id,
    mode: payload.mode,
    status,
    created_at,
    completed_at,
    duration_ms,
    steps: payload.steps ?? [],
    waiting: payload.waiting ?? null,
    checked: payload.checked ?? null,
    time_decayed: payload.time_decayed ?? null,
    drifted: payload.drifted ?? null,
    corrected: payload.corrected ?? null,
    created: payload.created ?? null,
    deleted: payload.deleted ?? null,
    complete: payload.complete ?? null,
    errors: payload.errors ?? [],
  };
}

// By customer_analytics_due_idx.
const dueStatement = {
  name: "count_due",
  text: `
    select count(*) as count from customer_analytics
    where refresh_due_at > '-infinity' and refresh_due_at <= $1`,
};

async function countDue(on: Queryable, now: Date): Promise<number> {
  const { rows } = await queryUnprepared<{ count: bigint }>(on, dueStatement, [now]);
  return Number(rows[0]?.count ?? 0n);
}

// By primary keys, and as lastEventAt.
const organizationsStatement = {
  name: "organizations_status",
  text: `
    select o.id as organization_id, o.name, o.status, o.access_token_ciphertext is not null as has_access_token,
      o.refresh_token_ciphertext is not null as is_renewable, o.token_expires_at, o.token_obtained_at,
      ${lastEventAt} as last_event_at,
      (select count(*)::integer from pending_fetches f where f.organization_id = o.id) as pending_fetches,
      (select p.position ->> 'ended_at' from sync_positions p
        where p.organization_id = o.id and p.task = 'pull') as last_pull_at,
      coalesce((select (p.position ->> 'unfinished')::integer from sync_positions p
        where p.organization_id = o.id and p.task = 'pull'), 0) as unfinished_pulls,
      (select coalesce(jsonb_object_agg(substr(p.task, 6), p.position -> 'watermark'), '{}')
        from sync_positions p
        where p.organization_id = o.id and starts_with(p.task, 'pull/') and p.position ? 'watermark') as watermarks
    from organizations o
    order by o.created_at, o.id`,
};

type OrganizationRow = Omit<OrganizationStatus, "token"> & TokenRow;

async function readOrganizations(on: Queryable, now: Date): Promise<OrganizationStatus[]> {
  const { rows } = await queryUnprepared<OrganizationRow>(on, organizationsStatement);
  return rows.map(({ is_renewable, token_expires_at, token_obtained_at, ...shown }) => ({
    ...shown,
    token: tokenStatusOf({ ...shown, is_renewable, token_expires_at, token_obtained_at }, now),
  }));
}
