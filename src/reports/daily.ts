import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import type { Period } from "./period.js";
import { readReport } from "./read-report.js";

/** A period of an organization, at one location or at all (null). */
export interface Scope extends Period {
  readonly organizationId: string;
  readonly locationId: string | null;
}

// Indexes: bookings_start_idx and customer_analytics_first_booking_idx.
const appointmentsStatement = {
  name: "report_appointments_daily",
  text: `
    select $1::uuid as organization_id, d.* from appointments_by_location_daily($1, $2, $3) as d
    where $4::text is null or location_id = $4
    order by date, location_id collate "C"`,
};

// Indexes: payments_created_idx and refunds_created_idx.
const revenueStatement = {
  name: "report_revenue_daily",
  text: `
    select $1::uuid as organization_id, d.* from revenue_by_location_daily($1, $2, $3) as d
    where $4::text is null or location_id = $4
    order by date, location_id collate "C", currency`,
};

/** Bookings by location and local day of the start: rows of `analytics_appointments_by_location_daily`. */
export async function appointmentsDaily(pool: pg.Pool, scope: Scope): Promise<ApiRow[]> {
  return read(pool, appointmentsStatement, scope);
}

/** Payments and refunds by location and local day: rows of `analytics_revenue_by_location_daily`. */
export async function revenueDaily(pool: pg.Pool, scope: Scope): Promise<ApiRow[]> {
  return read(pool, revenueStatement, scope);
}

async function read(
  pool: pg.Pool,
  statement: typeof appointmentsStatement,
  { organizationId, from, to, locationId }: Scope,
): Promise<ApiRow[]> {
  const rows = await readReport<Record<string, unknown>>(pool, statement, [
    organizationId,
    from,
    to,
    locationId,
  ]);
  return rows.map(toApiRow);
}
