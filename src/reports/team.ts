import type pg from "pg";
import { rebookedVisits } from "../analytics/rebooked-visits.js";
import { isFirstAccepted, isLateCancellation, isOnDays, isVisit } from "../analytics/rules.js";
import type { Scope } from "./daily.js";
import { readReport } from "./read-report.js";

/** One team member's numbers in a period. A booking with two members counts for both. */
export interface TeamMemberReport {
  readonly team_member_id: string;
  readonly name: string | null;
  readonly visits: number;
  readonly customers: number;
  /** Customers whose first visit ever was one of these visits. */
  readonly new_customers: number;
  readonly rebooked_visits: number;
  readonly no_shows: number;
  readonly late_cancellations: number;
  readonly booked_minutes: bigint;
  /**
   * The segments' catalog prices, in `list_price_currency`. Not revenue: Square links no payment to a team member.
   */
  readonly list_price_cents: bigint;
}

// Indexes: bookings_start_idx, bookings_customer_idx, primary keys of booking_segments, service_variations,
// team_members.
const statement = {
  name: "report_team",
  text: `
    with work as (
      select b.booking_id, b.customer_id, b.status, b.start_at, b.created_at, b.updated_at,
        ${isVisit("b", "$5::timestamptz")} as visit, ${isLateCancellation("b")} as late_cancellation,
        s.team_member_id, s.duration_minutes, case when v.currency = o.currency then v.price_cents end as price_cents
      from organizations o
      join bookings b on b.organization_id = o.id
      join booking_segments s on s.organization_id = o.id and s.booking_id = b.booking_id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      left join service_variations v
        on v.organization_id = o.id and v.square_variation_id = s.service_variation_id
      where o.id = $1 and b.organization_id = $1 and s.organization_id = $1
        and ${isOnDays("b.start_at", "$2", "$3")}
        and ($4::text is null or b.location_id = $4)
        and known_technician(s.team_member_id) is not null
    ),
    done as (
      select booking_id, team_member_id, customer_id, status, start_at, visit, late_cancellation,
        sum(duration_minutes) as minutes, sum(price_cents) as price_cents
      from work
      group by booking_id, team_member_id, customer_id, status, start_at, visit, late_cancellation
    ),
    visited as (
      select distinct booking_id, customer_id, start_at from done where visit
    ),
    rebooked as (${rebookedVisits("visited", "$2", "$3")}
    ),
    counted as (
      select done.*,
        visit and ${isFirstAccepted("done")} as first_visit,
        booking_id in (select booking_id from rebooked) as rebooked
      from done
      left join customer_analytics a on a.organization_id = $1 and a.square_customer_id = done.customer_id
    )
    select team_member_id,
      (select nullif(concat_ws(' ', t.given_name, t.family_name), '') from team_members t
        where t.organization_id = $1 and t.square_team_member_id = counted.team_member_id) as name,
      (count(*) filter (where visit))::integer as visits,
      (count(distinct customer_id) filter (where visit))::integer as customers,
      (count(*) filter (where first_visit))::integer as new_customers,
      (count(*) filter (where rebooked))::integer as rebooked_visits,
      (count(*) filter (where status = 'NO_SHOW'))::integer as no_shows,
      (count(*) filter (where late_cancellation))::integer as late_cancellations,
      saturated_bigint(coalesce(sum(minutes) filter (where visit), 0)) as booked_minutes,
      saturated_bigint(coalesce(sum(price_cents) filter (where visit), 0)) as list_price_cents
    from counted
    group by team_member_id
    having count(*) filter (where visit) > 0
    order by visits desc, team_member_id collate "C"`,
};

/** Each team member with a segment of a visit in the period. */
export async function team(
  pool: pg.Pool,
  { organizationId, from, to, locationId }: Scope,
  now: Date,
): Promise<TeamMemberReport[]> {
  const rows = await readReport<TeamMemberReport>(pool, statement, [
    organizationId,
    from,
    to,
    locationId,
    now,
  ]);
  return rows;
}
