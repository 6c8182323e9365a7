import type pg from "pg";
import { isVisit, localDay } from "../analytics/rules.js";
import { customerName } from "./customer-name.js";
import { type CustomerPage, type CustomerPlace, customerPage } from "./customer-page.js";
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

/** The numbers of a cohort. */
export type RetentionNumber = Exclude<keyof Cohort, "cohort" | "name">;

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

/** Whether the first visit's rows hold the cohort's name. Otherwise it is read by the cohort's id. */
const isNamedByVisit = (kind: CohortKind) => kind === "month" || kind === "location";

const hours = (days: RetentionWindow) => `interval '${24 * days} hours'`;
const isEligible = (days: RetentionWindow) => `start_at + ${hours(days)} <= $5`;

/** Conditions over `member`, by the number of a cohort that counts these customers. */
const conditions = {
  customers: "true",
  ...Object.fromEntries(
    retentionWindows.flatMap((days) => [
      [`returned_${days}d`, `${isEligible(days)} and returned_at <= start_at + ${hours(days)}`],
      [`eligible_${days}d`, isEligible(days)],
    ]),
  ),
} as Readonly<Record<RetentionNumber, string>>;
export const retentionNumbers = Object.keys(conditions) as [RetentionNumber, ...RetentionNumber[]];

/**
 * As `member` each customer whose first visit is in the period, with the cohort and the next visit day.
 *
 * Indexes: customer_analytics_first_booking_idx for first visits in the period, bookings_start_idx for later visits.
 */
const members = (kind: CohortKind) => `
    first as (
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
      select first.customer_id, ${kinds[kind].key} as cohort,
        ${isNamedByVisit(kind) ? kinds[kind].name : "null::text"} as name, first.start_at, first.location_id,
        first.location_name, returned_at
      from first
      left join returned using (customer_id)
      left join booking_segments segment
        on segment.organization_id = $1 and segment.booking_id = first.booking_id and segment.segment_index = 0
    )`;

function statement(kind: CohortKind) {
  return {
    name: `report_retention_by_${kind}`,
    text: `
    with ${members(kind)}
    select cohort, ${isNamedByVisit(kind) ? "min(name)" : kinds[kind].name} as name, count(*)::integer as customers,
      ${retentionWindows
        .map(
          (
            days,
          ) => `(count(*) filter (where ${conditions[`returned_${days}d`]}))::integer as returned_${days}d,
      (count(*) filter (where ${conditions[`eligible_${days}d`]}))::integer as eligible_${days}d`,
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

/** A number of one cohort, or of all of them. */
export interface CohortAsked {
  readonly by: CohortKind;
  readonly counted: RetentionNumber;
  /** NULL: all cohorts. The empty text: the customers without a cohort, whose `cohort` is NULL. */
  readonly cohort: string | null;
}

const listStatement = ({ by, counted }: CohortAsked) => ({
  name: `report_retention_customers_by_${by}_${counted}`,
  text: `
    with ${members(by)},
    page as (
      select * from member
      where ${conditions[counted]} and ($6::text is null or cohort is not distinct from nullif($6, ''))
        and ($7::text is null or customer_id collate "C" > $7)
      order by customer_id collate "C" limit $8
    )
    select page.customer_id as square_customer_id, ${customerName("a")} as customer_name, cohort,
      start_at as first_visit_at, returned_at, page.location_id, page.location_name
    from page
    left join customer_analytics a on a.organization_id = $1 and a.square_customer_id = page.customer_id
    order by page.customer_id collate "C"`,
});

/**
 * The customers whom a number of `retention` counts, by id. `returned_at` is the first visit on another day, however
 * late.
 *
 * @param now a booking that starts later is not a visit
 */
export async function cohortCustomers(
  pool: pg.Pool,
  { organizationId, from, to, locationId }: Scope,
  asked: CohortAsked,
  now: Date,
  after: CustomerPlace | null,
  limit: number,
): Promise<CustomerPage> {
  const values = [organizationId, from, to, locationId, now, asked.cohort, after?.id ?? null, limit + 1];
  const rows = await readReport<Record<string, unknown>>(pool, listStatement(asked), values);
  return customerPage(rows, limit);
}
