import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import { rebookedVisits } from "../analytics/rebooked-visits.js";
import { isAccepted, isFirstAccepted, isLateCancellation, isOnDays, isVisit } from "../analytics/rules.js";
import { customerName } from "./customer-name.js";
import type { Scope } from "./daily.js";
import { readReport } from "./read-report.js";

/** Conditions over `counted`, by the number that counts these bookings. */
const conditions = {
  accepted_appointments: "status = 'ACCEPTED'",
  pending_appointments: "status = 'PENDING'",
  cancelled_by_customer: "status = 'CANCELLED_BY_CUSTOMER'",
  cancelled_by_seller: "status = 'CANCELLED_BY_SELLER'",
  no_show_appointments: "status = 'NO_SHOW'",
  late_cancellations: "late_cancellation",
  visits: "visit",
  // A team member's new customer has come. A seller's new customer may have booked a day to come.
  new_customers: "is_first and (visit or $6::text is null)",
  rebooked_visits: "rebooked",
  // One booking for each customer, so that the list is as long as the number.
  unique_customers: "booking_id in (select booking_id from latest)",
  returning_customers: "booking_id in (select booking_id from latest where is_new is not true)",
} as const;

export type BookingNumber = keyof typeof conditions;
export const bookingNumbers = Object.keys(conditions) as [BookingNumber, ...BookingNumber[]];

/** A position in the list. `start_at` is Postgres text, exact to the microsecond. */
export interface BookingPlace {
  readonly start_at: string;
  readonly id: string;
}

export interface BookingPage {
  readonly bookings: readonly ApiRow[];
  /** The position of the next page. NULL on the last page. */
  readonly next: BookingPlace | null;
}

// Indexes: bookings_start_idx, bookings_customer_idx, primary keys of booking_segments, service_variations,
// customer_analytics. The page is chosen before the names are read.
const statement = (condition: string) => `
    with booking as (
      select b.booking_id, b.customer_id, b.status, b.start_at, b.location_id, l.name as location_name,
        ${isVisit("b", "$5::timestamptz")} as visit, ${isLateCancellation("b")} as late_cancellation,
        work.minutes, work.price_cents
      from organizations o
      join bookings b on b.organization_id = o.id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      cross join lateral (
        select count(*) as segments, sum(s.duration_minutes) as minutes,
          sum(case when v.currency = o.currency then v.price_cents end) as price_cents
        from booking_segments s
        left join service_variations v
          on v.organization_id = $1 and v.square_variation_id = s.service_variation_id
        where s.organization_id = $1 and s.booking_id = b.booking_id
          and ($6::text is null or known_technician(s.team_member_id) = $6)
      ) as work
      where o.id = $1 and b.organization_id = $1
        and ${isOnDays("b.start_at", "$2", "$3")}
        and ($4::text is null or b.location_id = $4)
        and ($6::text is null or work.segments > 0)
    ),
    visited as (
      select booking_id, customer_id, start_at from booking where visit
    ),
    rebooked as (${rebookedVisits("visited", "$2", "$3")}
    ),
    counted as (
      select booking.*, ${isAccepted("booking")} and ${isFirstAccepted("booking")} as is_first,
        booking_id in (select booking_id from rebooked) as rebooked
      from booking
      left join customer_analytics a on a.organization_id = $1 and a.square_customer_id = booking.customer_id
    ),
    -- Each customer's latest accepted booking of the period; for a team member, the latest visit.
    latest as (
      select distinct on (customer_id) booking_id, bool_or(is_first) over (partition by customer_id) as is_new
      from counted
      where customer_id is not null and ${isAccepted("counted")} and (visit or $6::text is null)
      order by customer_id, start_at desc, booking_id collate "C"
    ),
    page as (
      select * from counted
      where ${condition}
        and ($7::timestamptz is null or start_at < $7 or start_at = $7 and booking_id collate "C" > $8)
      order by start_at desc, booking_id collate "C" limit $9
    )
    select page.booking_id, page.start_at, page.start_at::text as place, page.status, page.location_id, page.location_name,
      page.customer_id, ${customerName("a")} as customer_name,
      coalesce(page.minutes, 0)::bigint as booked_minutes,
      saturated_bigint(coalesce(page.price_cents, 0)) as list_price_cents
    from page
    left join customer_analytics a on a.organization_id = $1 and a.square_customer_id = page.customer_id
    order by page.start_at desc, page.booking_id collate "C"`;

/**
 * The bookings that a number of the period counts, the latest start first. Counting them gives the number of `kpi`,
 * and with a team member that of `team`. A number of customers lists the latest booking of each. Minutes and prices
 * are those of the segments of the team member, else of all.
 *
 * @param now a booking that starts later is not a visit
 */
export async function countedBookings(
  pool: pg.Pool,
  { organizationId, from, to, locationId }: Scope,
  { counted, teamMemberId }: { readonly counted: BookingNumber; readonly teamMemberId: string | null },
  now: Date,
  after: BookingPlace | null,
  limit: number,
): Promise<BookingPage> {
  const rows = await readReport<Record<string, unknown>>(
    pool,
    { name: `report_bookings_${counted}`, text: statement(conditions[counted]) },
    [
      organizationId,
      from,
      to,
      locationId,
      now,
      teamMemberId,
      after?.start_at ?? null,
      after?.id ?? null,
      limit + 1,
    ],
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    bookings: page.map(({ place: _, ...row }) => toApiRow(row)),
    next: last ? { start_at: String(last.place), id: String(last.booking_id) } : null,
  };
}
