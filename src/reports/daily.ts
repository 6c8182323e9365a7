import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import type { Statement } from "../database/query.js";
import { readDivided } from "./kept-days.js";
import type { Period } from "./period.js";

/** A period of an organization, at one location or at all (null). */
export interface Scope extends Period {
  readonly organizationId: string;
  readonly locationId: string | null;
}

/** The order of the rows: by day and location, and by more columns. Facts without a location come last. */
function inOrder(...more: readonly string[]): string {
  return `order by ${["date", 'location_id collate "C" nulls last', ...more].join(", ")}`;
}

// Indexes: bookings_start_idx and customer_analytics_first_booking_idx.
const appointmentsStatement: Statement = {
  name: "report_appointments_daily",
  text: `
    select $1::uuid as organization_id, d.* from appointments_by_location_daily($1, $2, $3) as d
    where $4::text is null or location_id = $4
    ${inOrder()}`,
};

// Primary keys of kept_days and locations.
const keptAppointmentsStatement: Statement = {
  name: "report_kept_appointments",
  text: `
    select k.organization_id, k.location_id, coalesce(l.name, k.location_id) as location_name, k.day as date,
      accepted_appointments as appointments_count, accepted_appointments, pending_appointments,
      cancelled_by_customer + cancelled_by_seller as cancelled_appointments, cancelled_by_customer, cancelled_by_seller,
      no_show_appointments, staff_slots, unique_customers, new_customers,
      unique_customers - new_customers as returning_customers
    from kept_days k
    left join locations l on l.organization_id = $1 and l.square_location_id = k.location_id
    where k.organization_id = $1 and k.day = any ($2) and k.part > 0 and ($3::text is null or k.location_id = $3)
    ${inOrder()}`,
};

// Indexes: payments_created_idx and refunds_created_idx.
const revenueStatement: Statement = {
  name: "report_revenue_daily",
  text: `
    select $1::uuid as organization_id, d.* from revenue_by_location_daily($1, $2, $3) as d
    where $4::text is null or location_id = $4
    ${inOrder("currency")}`,
};

// Primary keys of kept_revenue and locations.
const keptRevenueStatement: Statement = {
  name: "report_kept_revenue",
  text: `
    select k.organization_id, k.location_id, coalesce(l.name, k.location_id) as location_name, k.day as date,
      k.currency, revenue_cents, tips_cents, gross_cents, refunded_cents, net_cents, payment_count, unique_customers,
      unassigned_revenue_cents
    from kept_revenue k
    left join locations l on l.organization_id = $1 and l.square_location_id = k.location_id
    where k.organization_id = $1 and k.day = any ($2) and ($3::text is null or k.location_id = $3)
    ${inOrder("currency")}`,
};

/** Bookings by location and local day of the start: rows of `analytics_appointments_by_location_daily`. */
export async function appointmentsDaily(pool: pg.Pool, scope: Scope, now: Date): Promise<ApiRow[]> {
  return read(pool, keptAppointmentsStatement, appointmentsStatement, scope, now);
}

/** Payments and refunds by location and local day: rows of `analytics_revenue_by_location_daily`. */
export async function revenueDaily(pool: pg.Pool, scope: Scope, now: Date): Promise<ApiRow[]> {
  return read(pool, keptRevenueStatement, revenueStatement, scope, now);
}

/** The numbers of `kpi` that are in the rows of `appointmentsDaily`. */
export const appointmentNumbers = [
  "accepted_appointments",
  "pending_appointments",
  "cancelled_by_customer",
  "cancelled_by_seller",
  "no_show_appointments",
  "unique_customers",
  "new_customers",
  "returning_customers",
] as const;

/**
 * The days on which a number is not 0, the latest first.
 *
 * @param currency of the number, where days have one row for each currency
 */
export function countedDays(days: readonly ApiRow[], counted: string, currency: string): ApiRow[] {
  return days
    .filter((day) => Number(day[counted]) !== 0 && (day.currency ?? currency) === currency)
    .reverse();
}

interface DayRow extends Record<string, unknown> {
  readonly date: string;
}

async function read(
  pool: pg.Pool,
  keptStatement: Statement,
  factsStatement: Statement,
  { organizationId, from, to, locationId }: Scope,
  now: Date,
): Promise<ApiRow[]> {
  const rows = await readDivided(pool, organizationId, [{ from, to }], now, async (read, [period]) => {
    const { kept = [], others = [] } = period ?? {};
    const parts = [
      kept.length > 0 ? await read<DayRow>(keptStatement, [organizationId, kept, locationId]) : [],
    ];
    for (const range of others)
      parts.push(await read<DayRow>(factsStatement, [organizationId, range.from, range.to, locationId]));
    return parts.flat();
  });
  // A day comes from one part, in which it has its order.
  return rows.sort((a, b) => (a.date < b.date ? -1 : Number(a.date > b.date))).map(toApiRow);
}
