import type pg from "pg";
import { isVisit, localDay } from "../analytics/rules.js";
import { ratio, roundedQuotient } from "./arithmetic.js";
import type { Scope } from "./daily.js";
import { type Period, previousPeriod } from "./period.js";
import { readReport } from "./read-report.js";
import { rebookedVisits } from "./rebooked-visits.js";

/** The numbers of a period. A customer counts once in the whole period. Money is in the organization's currency. */
export interface Kpi extends Counts, Money {
  /** rebooked_visits divided by the visits, 4 places. Null without a visit. */
  readonly rebooking_rate: number | null;
  readonly currency: string;
  /** revenue_cents divided by payment_count, rounded. 0 without a payment. */
  readonly avg_ticket_cents: bigint;
  /** Revenue of payments without a customer. revenue_cents contains it. */
  readonly unassigned_revenue_cents: bigint;
  readonly other_currencies: readonly (Money & { readonly currency: string })[];
}

interface Counts {
  readonly accepted_appointments: number;
  readonly pending_appointments: number;
  readonly cancelled_by_customer: number;
  readonly cancelled_by_seller: number;
  readonly no_show_appointments: number;
  readonly unique_customers: number;
  readonly new_customers: number;
  readonly returning_customers: number;
  readonly rebooked_visits: number;
}

interface Money {
  readonly revenue_cents: bigint;
  readonly tips_cents: bigint;
  readonly gross_cents: bigint;
  readonly refunded_cents: bigint;
  readonly net_cents: bigint;
  readonly payment_count: number;
}

type Measured = Exclude<keyof Kpi, "currency" | "other_currencies">;

export interface KpiReport {
  readonly period: Period;
  readonly previous: Period;
  readonly current: Kpi;
  readonly before: Kpi;
  /** (current - before) / before for each number, 4 places. Null where before is 0 or null. */
  readonly change: Readonly<Record<Measured, number | null>>;
}

// Indexes: bookings_start_idx for the bookings of both periods, and again for rebookings, which start later than
// their visit; customer_analytics_first_booking_idx for new customers.
const countsStatement = {
  name: "report_kpi_counts",
  text: `
    with booking as (
      select b.booking_id, b.customer_id, b.status, b.start_at, ${isVisit("b", "$6::timestamptz")} as visit,
        ${localDay("b.start_at")} >= $3 as current
      from organizations o
      join bookings b on b.organization_id = o.id
      left join locations l on l.organization_id = o.id and l.square_location_id = b.location_id
      where o.id = $1 and b.organization_id = $1
        and b.start_at >= earliest_instant($2) and b.start_at < latest_instant($4)
        and ${localDay("b.start_at")} between $2 and $4
        and ($5::text is null or b.location_id = $5)
    ), first_booking as (
      select (
        select b.booking_id from bookings b
        where b.organization_id = $1 and b.customer_id = a.square_customer_id
          and b.status = 'ACCEPTED' and b.start_at = a.first_booking_at
        order by b.booking_id collate "C" limit 1
      ) as booking_id
      from customer_analytics a
      where a.organization_id = $1
        and a.first_booking_at >= earliest_instant($2) and a.first_booking_at < latest_instant($4)
    ), visit as (
      select booking_id, customer_id, start_at from booking where visit
    ), rebooked as (${rebookedVisits("visit", "$2", "$4")}
    )
    select current,
      (count(*) filter (where status = 'ACCEPTED'))::integer as accepted_appointments,
      (count(*) filter (where status = 'PENDING'))::integer as pending_appointments,
      (count(*) filter (where status = 'CANCELLED_BY_CUSTOMER'))::integer as cancelled_by_customer,
      (count(*) filter (where status = 'CANCELLED_BY_SELLER'))::integer as cancelled_by_seller,
      (count(*) filter (where status = 'NO_SHOW'))::integer as no_show_appointments,
      (count(distinct customer_id) filter (where status = 'ACCEPTED'))::integer as unique_customers,
      count(first_booking.booking_id)::integer as new_customers,
      (count(*) filter (where visit))::integer as visits,
      count(rebooked.booking_id)::integer as rebooked_visits
    from booking
    left join first_booking on first_booking.booking_id = booking.booking_id
    left join rebooked on rebooked.booking_id = booking.booking_id
    group by current`,
};

// Indexes: payments_created_idx and refunds_created_idx.
const moneyStatement = {
  name: "report_kpi_money",
  text: `
    select date >= $3 as current, currency,
      saturated_bigint(sum(revenue_cents)) as revenue_cents, saturated_bigint(sum(tips_cents)) as tips_cents,
      saturated_bigint(sum(gross_cents)) as gross_cents, saturated_bigint(sum(refunded_cents)) as refunded_cents,
      saturated_bigint(sum(net_cents)) as net_cents, sum(payment_count)::integer as payment_count,
      saturated_bigint(sum(unassigned_revenue_cents)) as unassigned_revenue_cents
    from revenue_by_location_daily($1, $2, $4)
    where $5::text is null or location_id = $5
    group by 1, 2 order by 2`,
};

type CountsRow = Counts & { readonly current: boolean; readonly visits: number };
type MoneyRow = Money & {
  readonly current: boolean;
  readonly currency: string;
  readonly unassigned_revenue_cents: bigint;
};

/**
 * The numbers of a period, and of the same number of days before it.
 *
 * @param currency the organization's currency
 * @param now a booking that starts later is not a visit
 */
export async function kpi(pool: pg.Pool, scope: Scope, currency: string, now: Date): Promise<KpiReport> {
  const { organizationId, from, to, locationId } = scope;
  const period = { from, to };
  const previous = previousPeriod(period);
  const values = [organizationId, previous.from, from, to, locationId];
  const counts = await readReport<CountsRow>(pool, countsStatement, [...values, now]);
  const money = await readReport<MoneyRow>(pool, moneyStatement, values);
  const of = (isCurrent: boolean) =>
    kpiOf(
      counts.find((row) => row.current === isCurrent),
      money.filter((row) => row.current === isCurrent),
      currency,
    );
  const [current, before] = [of(true), of(false)];
  return { period, previous, current, before, change: changeOf(current, before) };
}

const noCounts: Counts & { readonly visits: number } = {
  accepted_appointments: 0,
  pending_appointments: 0,
  cancelled_by_customer: 0,
  cancelled_by_seller: 0,
  no_show_appointments: 0,
  unique_customers: 0,
  new_customers: 0,
  returning_customers: 0,
  rebooked_visits: 0,
  visits: 0,
};

const noMoney = {
  revenue_cents: 0n,
  tips_cents: 0n,
  gross_cents: 0n,
  refunded_cents: 0n,
  net_cents: 0n,
  payment_count: 0,
  unassigned_revenue_cents: 0n,
};

function kpiOf(counted: CountsRow | undefined, money: readonly MoneyRow[], currency: string): Kpi {
  const { visits, ...counts } = { ...noCounts, ...counted };
  const main = money.find((row) => row.currency === currency) ?? noMoney;
  return {
    accepted_appointments: counts.accepted_appointments,
    pending_appointments: counts.pending_appointments,
    cancelled_by_customer: counts.cancelled_by_customer,
    cancelled_by_seller: counts.cancelled_by_seller,
    no_show_appointments: counts.no_show_appointments,
    unique_customers: counts.unique_customers,
    new_customers: counts.new_customers,
    returning_customers: counts.unique_customers - counts.new_customers,
    rebooked_visits: counts.rebooked_visits,
    rebooking_rate: visits === 0 ? null : ratio(counts.rebooked_visits, visits),
    currency,
    ...moneyOf(main),
    avg_ticket_cents:
      main.payment_count === 0 ? 0n : roundedQuotient(main.revenue_cents, BigInt(main.payment_count)),
    unassigned_revenue_cents: main.unassigned_revenue_cents,
    other_currencies: money
      .filter((row) => row.currency !== currency)
      .map((row) => ({ currency: row.currency, ...moneyOf(row) })),
  };
}

function moneyOf(row: Money): Money {
  const { revenue_cents, tips_cents, gross_cents, refunded_cents, net_cents, payment_count } = row;
  return { revenue_cents, tips_cents, gross_cents, refunded_cents, net_cents, payment_count };
}

function changeOf(current: Kpi, before: Kpi): KpiReport["change"] {
  const { currency: _, other_currencies: __, ...measured } = current;
  const names = Object.keys(measured) as Measured[];
  const change = names.map((name) => [name, relativeChange(current[name], before[name])] as const);
  return Object.fromEntries(change) as KpiReport["change"];
}

/** A number as an integer: money and counts as they are, a rate in ten-thousandths. */
function relativeChange(current: number | bigint | null, before: number | bigint | null): number | null {
  if (current === null || before === null) return null;
  const [is, was] = [tenThousandths(current), tenThousandths(before)];
  return was === 0n ? null : ratio(is - was, was);
}

function tenThousandths(value: number | bigint): bigint {
  return typeof value === "bigint" ? value * 10_000n : BigInt(Math.round(value * 10_000));
}
