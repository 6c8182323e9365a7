import type pg from "pg";
import type { Statement } from "../database/query.js";
import { ratio, roundedQuotient } from "./arithmetic.js";
import type { Scope } from "./daily.js";
import { type DividedPeriod, readDivided } from "./kept-days.js";
import { type Counts, type CountsRow, countsOf } from "./kpi-counts.js";
import { type Period, previousPeriod } from "./period.js";
import type { Read } from "./read-report.js";

/** The numbers of a period. A customer counts once in the whole period. Money is in the organization's currency. */
export interface Kpi extends Counts, Money {
  readonly returning_customers: number;
  /** rebooked_visits divided by the visits, 4 places. Null without a visit. */
  readonly rebooking_rate: number | null;
  readonly currency: string;
  /** revenue_cents divided by payment_count, rounded. 0 without a payment. */
  readonly avg_ticket_cents: bigint;
  /** Revenue of payments without a customer. revenue_cents contains it. */
  readonly unassigned_revenue_cents: bigint;
  readonly other_currencies: readonly (Money & { readonly currency: string })[];
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

const moneySums = `
      saturated_bigint(sum(revenue_cents)) as revenue_cents, saturated_bigint(sum(tips_cents)) as tips_cents,
      saturated_bigint(sum(gross_cents)) as gross_cents, saturated_bigint(sum(refunded_cents)) as refunded_cents,
      saturated_bigint(sum(net_cents)) as net_cents, sum(payment_count)::integer as payment_count,
      saturated_bigint(sum(unassigned_revenue_cents)) as unassigned_revenue_cents`;

// Indexes: primary key of kept_revenue; payments_created_idx and refunds_created_idx for the days that are not kept.
const moneyStatement: Statement = {
  name: "report_kpi_money",
  text: `
    select currency, ${moneySums}
    from (
      select k.location_id, k.currency, k.revenue_cents, k.tips_cents, k.gross_cents, k.refunded_cents, k.net_cents,
        k.payment_count, k.unassigned_revenue_cents
      from kept_revenue k where k.organization_id = $1 and k.day = any ($2)
      union all
      select d.location_id, d.currency, d.revenue_cents, d.tips_cents, d.gross_cents, d.refunded_cents, d.net_cents,
        d.payment_count, d.unassigned_revenue_cents
      from unnest($3::date[], $4::date[]) as range (first, last)
      cross join lateral revenue_by_location_daily($1, range.first, range.last) as d
    ) as day
    where $5::text is null or location_id = $5
    group by currency order by currency`,
};

type MoneyRow = Money & { readonly currency: string; readonly unassigned_revenue_cents: bigint };

/**
 * The numbers of a period, and of the same number of days before it.
 *
 * @param currency the organization's currency
 * @param now a booking that starts later is not a visit
 */
export async function kpi(pool: pg.Pool, scope: Scope, currency: string, now: Date): Promise<KpiReport> {
  const { organizationId, from, to } = scope;
  const periods = [{ from, to }, previousPeriod({ from, to })] as const;
  return readDivided(pool, organizationId, periods, now, async (read, divided) => {
    const numbers: Kpi[] = [];
    for (const period of divided) {
      const counts = await countsOf(read, scope, period, now);
      numbers.push(kpiOf(counts, await moneyRowsOf(read, scope, period), currency));
    }
    const [current, before] = numbers as [Kpi, Kpi];
    return { period: periods[0], previous: periods[1], current, before, change: changeOf(current, before) };
  });
}

function moneyRowsOf(
  read: Read,
  { organizationId, locationId }: Scope,
  { kept, others }: DividedPeriod,
): Promise<MoneyRow[]> {
  const [firsts, lasts] = [others.map((range) => range.from), others.map((range) => range.to)];
  return read<MoneyRow>(moneyStatement, [organizationId, kept, firsts, lasts, locationId]);
}

const noMoney = {
  revenue_cents: 0n,
  tips_cents: 0n,
  gross_cents: 0n,
  refunded_cents: 0n,
  net_cents: 0n,
  payment_count: 0,
  unassigned_revenue_cents: 0n,
};

function kpiOf({ visits, ...counts }: CountsRow, money: readonly MoneyRow[], currency: string): Kpi {
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
