import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import { localDay } from "../analytics/rules.js";
import { customerName } from "./customer-name.js";
import type { Scope } from "./daily.js";
import { readReport } from "./read-report.js";

/** Conditions over `line`, by the number that counts these payments and refunds. */
const conditions = {
  revenue_cents: "kind = 'payment'",
  tips_cents: "tips_cents <> 0",
  gross_cents: "kind = 'payment'",
  refunded_cents: "kind = 'refund'",
  net_cents: "true",
  payment_count: "kind = 'payment'",
  unassigned_revenue_cents: "kind = 'payment' and customer_id is null",
} as const;

export type PaymentNumber = keyof typeof conditions;
export const paymentNumbers = Object.keys(conditions) as [PaymentNumber, ...PaymentNumber[]];

/** A position in the list. `created_at` is Postgres text, exact to the microsecond. */
export interface PaymentPlace {
  readonly created_at: string;
  readonly kind: string;
  readonly id: string;
}

export interface PaymentPage {
  readonly payments: readonly ApiRow[];
  /** The position of the next page. NULL on the last page. */
  readonly next: PaymentPlace | null;
}

// The rules are those of the SQL function `revenue_by_location_daily`: completed ones, and a refund on its own day at
// the payment's location unless it has one. A test compares the sums with the KPI.
// Indexes: payments_created_idx, refunds_created_idx, primary keys of payments and customer_analytics.
const statement = (condition: string) => `
    with line as (
      select 'payment' as kind, payment_id as id, payment_id, created_at, location_id, customer_id, currency,
        amount_cents as revenue_cents, tip_cents as tips_cents, total_cents as gross_cents, 0::bigint as refunded_cents,
        total_cents as net_cents
      from payments
      where organization_id = $1 and status = 'COMPLETED'
        and created_at >= earliest_instant($2) and created_at < latest_instant($3)
      union all
      select 'refund', r.refund_id, r.payment_id, r.created_at, coalesce(r.location_id, p.location_id), p.customer_id,
        r.currency, 0, 0, 0, r.amount_cents, -r.amount_cents
      from refunds r
      left join payments p on p.organization_id = $1 and p.payment_id = r.payment_id
      where r.organization_id = $1 and r.status = 'COMPLETED'
        and r.created_at >= earliest_instant($2) and r.created_at < latest_instant($3)
    ),
    page as (
      select line.*, coalesce(l.name, line.location_id) as location_name
      from organizations o
      join line on line.currency = o.currency
      left join locations l on l.organization_id = $1 and l.square_location_id = line.location_id
      where o.id = $1 and ${condition}
        and ${localDay("line.created_at")} between $2 and $3
        and ($4::text is null or line.location_id = $4)
        and ($5::timestamptz is null or line.created_at < $5
          or line.created_at = $5 and (line.kind, line.id collate "C") > ($6, $7))
      order by line.created_at desc, line.kind, line.id collate "C" limit $8
    )
    select page.kind, page.id, page.payment_id, page.created_at, page.created_at::text as place, page.location_id,
      page.location_name, page.customer_id,
      ${customerName("a")} as customer_name,
      page.revenue_cents, page.tips_cents, page.gross_cents, page.refunded_cents, page.net_cents
    from page
    left join customer_analytics a on a.organization_id = $1 and a.square_customer_id = page.customer_id
    order by page.created_at desc, page.kind, page.id collate "C"`;

/**
 * The payments and refunds that a number of `kpi` counts, the latest first, in the organization's currency. The sum
 * of the column with the number's name is the number. `payment_count` is the length of the list.
 */
export async function countedPayments(
  pool: pg.Pool,
  { organizationId, from, to, locationId }: Scope,
  counted: PaymentNumber,
  after: PaymentPlace | null,
  limit: number,
): Promise<PaymentPage> {
  const rows = await readReport<Record<string, unknown>>(
    pool,
    { name: `report_payments_${counted}`, text: statement(conditions[counted]) },
    [
      organizationId,
      from,
      to,
      locationId,
      after?.created_at ?? null,
      after?.kind ?? null,
      after?.id ?? null,
      limit + 1,
    ],
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    payments: page.map(({ place: _, ...row }) => toApiRow(row)),
    next: last ? { created_at: String(last.place), kind: String(last.kind), id: String(last.id) } : null,
  };
}
