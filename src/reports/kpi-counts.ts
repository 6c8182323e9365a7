import { rebookedVisits } from "../analytics/rebooked-visits.js";
import { isOnDays, isVisit, localDay } from "../analytics/rules.js";
import type { Statement } from "../database/query.js";
import type { Scope } from "./daily.js";
import type { DividedPeriod } from "./kept-days.js";
import { daysOf } from "./period.js";
import type { Read } from "./read-report.js";

/** The bookings and people of a period. A customer counts once in the whole period. */
export interface Counts {
  readonly accepted_appointments: number;
  readonly pending_appointments: number;
  readonly cancelled_by_customer: number;
  readonly cancelled_by_seller: number;
  readonly no_show_appointments: number;
  readonly unique_customers: number;
  readonly new_customers: number;
  readonly rebooked_visits: number;
}

/** Counts of a period, and its visits. */
export interface CountsRow extends Counts {
  readonly visits: number;
}

/** The bookings of so many days' customers are looked up one by one. Of more days, the planner decides. */
const FEW_DAYS = 7;

/** How customers' other bookings are read: for rebookings, and for who came on an earlier day of the period. */
const otherBookings = {
  // Index: bookings_customer_idx, once for each customer.
  few: {
    theirs: `theirs as materialized (
      select b.organization_id, b.customer_id, b.status, b.start_at, b.created_at, b.location_id, c.day
      from customer c
      cross join lateral (
        select b.organization_id, b.customer_id, b.status, b.start_at, b.created_at, b.location_id
        from bookings b where b.organization_id = $1 and b.customer_id = c.customer_id
          and (b.created_at >= earliest_instant($2) or b.start_at >= earliest_instant($6) and b.start_at < latest_instant($3))
        offset 0
      ) as b
    ),`,
    rebooked: rebookedVisits("visit", "$2", "$3", "theirs"),
    cameBefore: `
      select count(distinct b.customer_id)
      from theirs b
      cross join organizations o
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and b.status = 'ACCEPTED' and ($4::text is null or b.location_id = $4)
        and b.start_at >= earliest_instant($6) and b.start_at < latest_instant($3)
        and ${localDay("b.start_at")} >= $6::date and ${localDay("b.start_at")} < b.day`,
  },
  // Index: bookings_start_idx. Nobody came before on the first day of the period.
  many: {
    theirs: "",
    rebooked: rebookedVisits("visit", "$2", "$3"),
    cameBefore: `
      select count(*) from customer c
      where $6::date < $2::date and exists (
        select from organizations o
        join bookings b on b.organization_id = o.id
        left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
        where o.id = $1 and b.organization_id = $1 and b.customer_id = c.customer_id and b.status = 'ACCEPTED'
          and b.start_at >= earliest_instant($6) and b.start_at < latest_instant($3)
          and ${localDay("b.start_at")} >= $6::date and ${localDay("b.start_at")} < c.day
          and ($4::text is null or b.location_id = $4)
      )`,
  },
};

// The days from $2 to $3 of a period that begins on $6. A customer counts if these days contain the customer's first
// day in the period. Indexes: bookings_start_idx; customer_analytics_first_booking_idx for new customers; see above.
const countsStatement = ({ theirs, rebooked, cameBefore }: (typeof otherBookings)["few"]): Statement => ({
  name: "report_kpi_counts",
  text: `
    with booking as (
      select b.booking_id, b.customer_id, b.status, b.start_at, ${isVisit("b", "$5::timestamptz")} as visit,
        ${localDay("b.start_at")} as day
      from organizations o
      join bookings b on b.organization_id = o.id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and b.organization_id = $1
        and ${isOnDays("b.start_at", "$2", "$3")}
        and ($4::text is null or b.location_id = $4)
    ), first_booking as (
      select (
        select b.booking_id from bookings b
        where b.organization_id = $1 and b.customer_id = a.square_customer_id
          and b.status = 'ACCEPTED' and b.start_at = a.first_booking_at
        order by b.booking_id collate "C" limit 1
      ) as booking_id
      from customer_analytics a
      where a.organization_id = $1
        and a.first_booking_at >= earliest_instant($2) and a.first_booking_at < latest_instant($3)
    ), visit as (
      select booking_id, customer_id, start_at from booking where visit
    ), customer as (
      select customer_id, min(day) as day from booking
      where status = 'ACCEPTED' and customer_id is not null group by customer_id
    ), ${theirs} rebooked as (${rebooked}
    )
    select
      (count(*) filter (where status = 'ACCEPTED'))::integer as accepted_appointments,
      (count(*) filter (where status = 'PENDING'))::integer as pending_appointments,
      (count(*) filter (where status = 'CANCELLED_BY_CUSTOMER'))::integer as cancelled_by_customer,
      (count(*) filter (where status = 'CANCELLED_BY_SELLER'))::integer as cancelled_by_seller,
      (count(*) filter (where status = 'NO_SHOW'))::integer as no_show_appointments,
      ((select count(*) from customer) - (${cameBefore}
      ))::integer as unique_customers,
      count(first_booking.booking_id)::integer as new_customers,
      (count(*) filter (where visit))::integer as visits,
      count(rebooked.booking_id)::integer as rebooked_visits
    from booking
    left join first_booking on first_booking.booking_id = booking.booking_id
    left join rebooked on rebooked.booking_id = booking.booking_id`,
});
const countsStatements = {
  few: countsStatement(otherBookings.few),
  many: countsStatement(otherBookings.many),
};

// Primary key. A customer counts on the first of the customer's days in the period, which begins on $4: the day
// before it lies more than day - $4 days back.
const keptCountsStatement: Statement = {
  name: "report_kept_counts",
  text: `
    select coalesce(sum(accepted_appointments), 0)::integer as accepted_appointments,
      coalesce(sum(pending_appointments), 0)::integer as pending_appointments,
      coalesce(sum(cancelled_by_customer), 0)::integer as cancelled_by_customer,
      coalesce(sum(cancelled_by_seller), 0)::integer as cancelled_by_seller,
      coalesce(sum(no_show_appointments), 0)::integer as no_show_appointments,
      coalesce(sum(unique_customers - coalesce(returned[width_bucket(day - $4::date, returned_after)], 0)), 0)::integer
        as unique_customers,
      coalesce(sum(new_customers), 0)::integer as new_customers,
      coalesce(sum(accepted_appointments), 0)::integer as visits,
      coalesce(sum(rebooked_visits), 0)::integer as rebooked_visits
    from kept_days
    where organization_id = $1 and day = any ($2)
      and case when $3::text is null then part = 0 else part > 0 and location_id = $3 end`,
};

const noCounts: Record<keyof CountsRow, number> = {
  accepted_appointments: 0,
  pending_appointments: 0,
  cancelled_by_customer: 0,
  cancelled_by_seller: 0,
  no_show_appointments: 0,
  unique_customers: 0,
  new_customers: 0,
  rebooked_visits: 0,
  visits: 0,
};

/** Counts a period from its kept days and from the facts of the others. Each customer counts in one part. */
export async function countsOf(
  read: Read,
  { organizationId, locationId }: Scope,
  { from, kept, others }: DividedPeriod,
  now: Date,
): Promise<CountsRow> {
  const parts: CountsRow[] = [];
  if (kept.length > 0)
    parts.push(...(await read<CountsRow>(keptCountsStatement, [organizationId, kept, locationId, from])));
  const days = others.reduce((sum, range) => sum + daysOf(range), 0);
  const statement = countsStatements[days <= FEW_DAYS ? "few" : "many"];
  for (const range of others) {
    const values = [organizationId, range.from, range.to, locationId, now, from];
    parts.push(...(await read<CountsRow>(statement, values)));
  }
  return sumOf(parts);
}

function sumOf(parts: readonly CountsRow[]): CountsRow {
  const sum = { ...noCounts };
  const names = Object.keys(noCounts) as (keyof CountsRow)[];
  for (const part of parts) for (const name of names) sum[name] += part[name] ?? 0;
  return sum;
}
