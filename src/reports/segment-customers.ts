import type pg from "pg";
import { isVisit, type Segment } from "../analytics/rules.js";
import { customerName } from "./customer-name.js";
import { type CustomerPage, type CustomerPlace, customerPage } from "./customer-page.js";
import type { Scope } from "./daily.js";
import { readReport } from "./read-report.js";
import { cameBefore, knownSince, movedPeople } from "./segment-parts.js";

/** How a request names the customers who were not known at the beginning. */
export const UNKNOWN = "UNKNOWN";

/** A movement, or all movements to one segment: who is in it at the end of the period. */
export interface MovementAsked {
  /** NULL: from anywhere. */
  readonly from: Segment | typeof UNKNOWN | null;
  readonly to: Segment;
}

// Indexes: those of `people`; bookings_customer_idx and the primary key of customer_analytics for the page's customers.
const statement = {
  name: "report_segment_movement_customers",
  text: `
    with ${movedPeople},
    counted as (
      select customer_id, from_segment, to_segment from moved
      where to_segment = $5::text and ($6::text is null or coalesce(from_segment, '${UNKNOWN}') = $6)
      union all
      -- Those who are absent.
      select square_customer_id, 'LOST', 'LOST' from customer_analytics
      where organization_id = $1 and $5 = 'LOST' and coalesce($6, 'LOST') = 'LOST' and ${cameBefore}
        and not exists (select from comer where has_returned and comer.customer_id = square_customer_id)
    ),
    page as (
      select * from counted where $7::text is null or customer_id collate "C" > $7
      order by customer_id collate "C" limit $8
    )
    select customer_id as square_customer_id, ${customerName("a")} as customer_name, from_segment, to_segment,
      visits.first_visit_at, visits.last_visit_before_at, visits.last_visit_at,
      case when visits.last_visit_before_at is null
        then ${knownSince("a.customer_created_at", "page.customer_id")} end as known_at
    from page
    cross join lateral (
      select min(b.start_at) as first_visit_at, max(b.start_at) filter (where b.start_at <= begins_at) as last_visit_before_at,
        max(b.start_at) as last_visit_at
      from period
      join bookings b on b.organization_id = $1 and b.customer_id = page.customer_id and ${isVisit("b", "ends_at")}
    ) as visits
    left join customer_analytics a on a.organization_id = $1 and a.square_customer_id = page.customer_id
    order by customer_id collate "C"`,
};

/**
 * The customers whom a movement counts, by id. Their number is that of `segmentMovements`. From anywhere, their number is
 * that of `segmentsDaily` on the last day. The visits of a row are those until the end of the period, and `known_at` is
 * since when a customer is known who had not come before it.
 *
 * @param today the organization's local day of `now`
 */
export async function movementCustomers(
  pool: pg.Pool,
  { organizationId, from, to }: Pick<Scope, "organizationId" | "from" | "to">,
  movement: MovementAsked,
  today: string,
  now: Date,
  after: CustomerPlace | null,
  limit: number,
): Promise<CustomerPage> {
  const last = to < today ? to : today;
  if (from > last) return { customers: [], next: null };
  const rows = await readReport<Record<string, unknown>>(pool, statement, [
    organizationId,
    from,
    last,
    now,
    movement.to,
    movement.from,
    after?.id ?? null,
    limit + 1,
  ]);
  return customerPage(rows, limit);
}
