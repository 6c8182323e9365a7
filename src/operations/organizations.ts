import type { SegmentDays } from "../analytics/rules.js";
import { segmentDayNames, segmentDays } from "../analytics/rules.js";
import { type Queryable, queryUnprepared } from "../database/query.js";
import { SWEEP_CRON_NAME, SWEEP_LOG_TYPE } from "../sweep/log-row.js";

/** An organization as the API lists it, without its token. */
export interface OrganizationSummary {
  readonly id: string;
  readonly name: string;
  /** ISO 4217. */
  readonly currency: string | null;
  /** IANA name. */
  readonly time_zone: string;
  readonly status: string;
  /** When its last event came. */
  readonly last_event_at: Date | null;
  /** When the last sweep ended. Each sweep covers all organizations. */
  readonly last_sweep_at: Date | null;
  readonly locations: readonly LocationSummary[];
  readonly team_members: readonly TeamMemberSummary[];
  readonly segment_days: SegmentDays;
}

export interface LocationSummary {
  readonly location_id: string;
  readonly name: string;
  readonly time_zone: string | null;
  readonly currency: string | null;
  readonly status: string;
}

export interface TeamMemberSummary {
  readonly team_member_id: string;
  /** The id while the name is unknown. */
  readonly name: string;
  readonly status: string;
}

/**
 * SQL for the time of organization `o`'s last event. It reads one entry of webhook_events_status_idx for each status.
 */
export const lastEventAt = `(
    select max(last.received_at)
    from unnest(array['processed', 'stale', 'ignored', 'deferred', 'dead']) as s (status)
    cross join lateral (
      select e.received_at from webhook_events e where e.status = s.status and e.organization_id = o.id
      order by e.received_at desc limit 1
    ) as last)`;

// By application_logs_type_idx, from its end, by primary keys, and as lastEventAt.
const summariesStatement = {
  name: "organization_summaries",
  text: `
    select o.id, o.name, o.currency, o.time_zone, o.status, ${lastEventAt} as last_event_at,
      (select l.completed_at from application_logs l
        where l.log_type = $1 and l.payload ->> 'cron_name' = $2 and l.completed_at is not null
        order by l.created_at desc limit 1) as last_sweep_at,
      (select coalesce(jsonb_agg(jsonb_build_object('location_id', l.square_location_id, 'name', l.name,
          'time_zone', coalesce(l.time_zone, o.time_zone), 'currency', coalesce(l.currency, o.currency), 'status', l.status)
          order by l.name, l.square_location_id), '[]')
        from locations l where l.organization_id = o.id) as locations,
      (select coalesce(jsonb_agg(jsonb_build_object('team_member_id', t.square_team_member_id, 'name', t.name,
          'status', t.status) order by t.name, t.square_team_member_id), '[]')
        from (
          select square_team_member_id, status,
            coalesce(nullif(concat_ws(' ', given_name, family_name), ''), square_team_member_id) as name
          from team_members where organization_id = o.id
        ) as t) as team_members,
      jsonb_build_object(${segmentDayNames.map((name) => `'${name}', ${segmentDays(name, "o.settings")}`).join(", ")})
        as segment_days
    from organizations o
    order by o.created_at, o.id`,
};

/** All organizations, the oldest first. */
export async function listOrganizations(on: Queryable): Promise<OrganizationSummary[]> {
  const values = [SWEEP_LOG_TYPE, SWEEP_CRON_NAME];
  return (await queryUnprepared<OrganizationSummary>(on, summariesStatement, values)).rows;
}
