import type pg from "pg";
import { isVisit, localDay } from "../analytics/rules.js";
import type { Scope } from "./daily.js";
import { readReport } from "./read-report.js";

export const cohortKinds = ["month", "technician", "location", "service"] as const;
export type CohortKind = (typeof cohortKinds)[number];

/** Within how many days after the first visit a customer comes back. */
export const retentionWindows = [30, 60, 90, 180] as const;
export type RetentionWindow = (typeof retentionWindows)[number];

/** Customers with their first visit in the period, and how many of them came back. */
export type Cohort = {
  /**
   * The local month `YYYY-MM`, or the technician's, location's or service's id. Null where the first visit has
   * none.
   */
  readonly cohort: string | null;
  readonly name: string | null;
  readonly customers: number;
} & {
  /** Eligible customers who had another visit day within this number of days after the first visit. */
  readonly [Name in `returned_${RetentionWindow}d`]: number;
} & {
  /** Customers whose first visit was at least this number of days ago. */
  readonly [Name in `eligible_${RetentionWindow}d`]: number;
};

const kinds: Readonly<Record<CohortKind, { readonly key: string; readonly name: string }>> = {
  month: { key: "to_char(first.day, 'YYYY-MM')", name: "to_char(first.day, 'YYYY-MM')" },
  location: { key: "first.location_id", name: "coalesce(first.location_name, first.location_id)" },
  technician: {
    key: "known_technician(segment.team_member_id)",
    name: `(select nullif(concat_ws(' ', t.given_name, t.family_name), '') from team_members t
        where t.organization_id = $1 and t.square_team_member_id = cohort)`,
  },
  service: {
    key: "segment.service_variation_id",
    name: `(select coalesce(v.item_name, v.name) from service_variations v
        where v.organization_id = $1 and v.square_variation_id = cohort)`,
  },
};

const hours = (days: RetentionWindow) => `interval '${24 * days} hours'`;

// Indexes: customer_analytics_first_booking_idx for first visits in the period, bookings_start_idx for later visits.
function statement(kind: CohortKind) {
  const { key, name } = kinds[kind];
  const named = key === name || kind === "location" ? "min(name)" : name;
  return {
    name: `report_retention_by_${kind}`,
    text: `
    with first as (
      select a.square_customer_id as customer_id, b.booking_id, b.start_at, b.location_id, l.name as location_name,
        ${localDay("b.start_at")} as day
      from organizations o
      join customer_analytics a on a.organization_id = o.id
      cross join lateral (
        select booking_id, start_at, location_id from bookings b
        where b.organization_id = $1 and b.customer_id = a.square_customer_id and b.start_at = a.first_booking_at
          and ${isVisit("b", "$5::timestamptz")}
        order by booking_id collate "C" limit 1
      ) as b
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and a.organization_id = $1
        and a.first_booking_at >= earliest_instant($2) and a.first_booking_at < latest_instant($3)
        and ${localDay("b.start_at")} between $2 and $3
        and ($4::text is null or b.location_id = $4)
    ),
    -- Materialized: otherwise the planner may scan the index of all starts once for each customer.
    later as materialized (
      select b.customer_id, b.start_at, ${localDay("b.start_at")} as day
      from organizations o
      join bookings b on b.organization_id = o.id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and b.organization_id = $1 and b.start_at > earliest_instant($2)
        and ${isVisit("b", "$5::timestamptz")}
    ),
    returned as (
      select first.customer_id, min(later.start_at) as returned_at
      from first
      join later on later.customer_id = first.customer_id
        and later.start_at > first.start_at and later.day <> first.day
      group by first.customer_id
    ),
    member as (
      select ${key} as cohort, ${key === name || kind === "location" ? name : "null::text"} as name, first.start_at,
        returned_at
      from first
      left join returned using (customer_id)
      left join booking_segments segment
        on segment.organization_id = $1 and segment.booking_id = first.booking_id and segment.segment_index = 0
    )
    select cohort, ${named} as name, count(*)::integer as customers,
      ${retentionWindows
        .map(
          (
            days,
          ) => `(count(*) filter (where start_at + ${hours(days)} <= $5 and returned_at <= start_at + ${hours(days)}))::integer
        as returned_${days}d,
      (count(*) filter (where start_at + ${hours(days)} <= $5))::integer as eligible_${days}d`,
        )
        .join(",\n      ")}
    from member
    group by cohort
    order by cohort collate "C" nulls last`,
  };
}

const statements = {
  month: statement("month"),
  technician: statement("technician"),
  location: statement("location"),
  service: statement("service"),
};

/**
 * The customers whose first visit ever is in the period (and at the location, if given), and how many of them had
 * another visit day.
 *
 * @param now a booking that starts later is not a visit
 */
export async function retention(
  pool: pg.Pool,
  kind: CohortKind,
  { organizationId, from, to, locationId }: Scope,
  now: Date,
): Promise<Cohort[]> {
  const rows = await readReport<Cohort>(pool, statements[kind], [organizationId, from, to, locationId, now]);
  return rows;
}
