import type pg from "pg";
import { CUSTOMERS_AT_ONCE } from "../analytics/refresh.js";
import type { Clock } from "../clock.js";
import { bisectOnFailure } from "../database/bisect.js";
import type { Database } from "../database/database.js";
import { checkSchema } from "../database/migrate.js";
import { query } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { compareKeptDays } from "../days/compare.js";
import { DAYS_AT_ONCE, FEW_DAYS } from "../days/keep.js";
import { compareRows, unexplained } from "../drift/compare.js";

/** How many rows have been compared with their recomputation. */
export type SanityProgress = (done: number, total: number) => void;

/** The result of one check. */
export interface SanityStep {
  readonly name: string;
  readonly compared: number;
  readonly mismatches: number;
  /** Some of the mismatches, as ids and column names without personal data. */
  readonly examples: readonly string[];
  readonly passed: boolean;
}

const SHOWN = 10;
const SAMPLE = 500;

/**
 * Checks the stored data of all organizations for contradictions. It writes nothing, and a server may run meanwhile.
 *
 * @param clock gives the instant of computation; it is read for every chunk
 * @param all whether every row is compared with its recomputation, or only a sample
 */
export async function* sanityCheck(
  database: Database,
  clock: Clock,
  all: boolean,
  onProgress: SanityProgress = () => {},
): AsyncGenerator<SanityStep> {
  yield await schemaStep(database);
  yield await columnsStep(database, clock, all, onProgress);
  for (const check of checks) yield await countStep(database, check, clock());
  yield await keptDaysStep(database, all);
}

async function schemaStep(database: Database): Promise<SanityStep> {
  const { pending } = await checkSchema(database);
  return step("the schema is current", 1, pending);
}

interface Check {
  readonly name: string;
  /** Returns one row: `compared` is a count, `wrong` holds the ids of the mismatches (text[]). */
  readonly sql: string;
}

/** The customers who should have a row. */
const eligible = `
  select organization_id, square_customer_id as customer_id from customers c
  where deleted_at is null and not exists (
    select from customer_aliases a
    where a.organization_id = c.organization_id and a.from_customer_id = c.square_customer_id
  )
  union select organization_id, customer_id from bookings where customer_id is not null
  union select organization_id, customer_id from payments where customer_id is not null
  union select r.organization_id, coalesce(a.to_customer_id, r.square_customer_id)
  from referral_profiles r
  left join customer_aliases a on a.organization_id = r.organization_id and a.from_customer_id = r.square_customer_id`;

const checks: readonly Check[] = [
  {
    name: "exactly the customers who should have a row have one",
    sql: `
      select count(*) as compared,
        array_agg(customer_id || case when stored then ' should have no row' else ' has no row' end)
          filter (where stored <> expected) as wrong
      from (
        select coalesce(e.customer_id, a.square_customer_id) as customer_id, e.customer_id is not null as expected,
          a.square_customer_id is not null as stored
        from (${eligible}) as e
        full join customer_analytics a
          on a.organization_id = e.organization_id and a.square_customer_id = e.customer_id
      ) as pair`,
  },
  {
    name: "first_booking_at is the first ACCEPTED booking",
    sql: `
      select count(*) as compared, array_agg(a.square_customer_id) filter (
        where a.first_booking_at is distinct from b.first_booking_at) as wrong
      from customer_analytics a
      left join (
        select organization_id, customer_id, min(start_at) as first_booking_at from bookings
        where status = 'ACCEPTED' group by organization_id, customer_id
      ) as b on b.organization_id = a.organization_id and b.customer_id = a.square_customer_id`,
  },
  {
    name: "avg_ticket_cents is revenue over payments",
    sql: `
      select count(*) as compared, array_agg(a.square_customer_id) filter (
        where (a.total_payments, a.total_revenue_cents, a.avg_ticket_cents) is distinct from
          (coalesce(p.payments, 0), coalesce(p.revenue, 0), coalesce(round(p.revenue / p.payments), 0))) as wrong
      from customer_analytics a
      left join (
        select organization_id, customer_id, currency, count(*) as payments, sum(amount_cents) as revenue
        from payments where status = 'COMPLETED' group by organization_id, customer_id, currency
      ) as p on p.organization_id = a.organization_id and p.customer_id = a.square_customer_id
        and p.currency = a.currency`,
  },
  {
    name: "the segments add up to all customers",
    sql: `
      select count(*) as compared, array_agg(square_customer_id) filter (
        where customer_segment not in ('NEVER_VISITED', 'NEW', 'ACTIVE', 'AT_RISK', 'LOST')
          or (customer_segment = 'NEVER_VISITED') <> (total_visits = 0)) as wrong
      from customer_analytics`,
  },
  {
    name: "referrals are as many as their rows",
    sql: `
      select count(*) as compared, array_agg(a.square_customer_id) filter (
        where (a.total_referrals, a.total_rewards_cents) is distinct from
          (coalesce(r.referrals, 0), coalesce(r.paid, 0))) as wrong
      from customer_analytics a
      left join (
        select r.organization_id, coalesce(l.to_customer_id, r.referrer_customer_id) as customer_id,
          count(distinct r.referred_customer_id) filter (where r.status <> 'VOID') as referrals,
          sum(r.reward_cents) filter (where r.status = 'PAID') as paid
        from referral_rewards r
        left join customer_aliases l
          on l.organization_id = r.organization_id and l.from_customer_id = r.referrer_customer_id
        group by 1, 2
      ) as r on r.organization_id = a.organization_id and r.customer_id = a.square_customer_id`,
  },
  {
    name: "the daily view's new customers are the customers with an ACCEPTED booking",
    sql: `
      select coalesce(sum(customers), 0) as compared, array_agg(organization_id::text) filter (
        where customers <> newcomers) as wrong
      from (
        select o.id as organization_id,
          (select count(*) from customer_analytics a
            where a.organization_id = o.id and a.total_accepted_bookings > 0) as customers,
          (select coalesce(sum(new_customers), 0) from analytics_appointments_by_location_daily d
            where d.organization_id = o.id) as newcomers
        from organizations o
      ) as sums`,
  },
  {
    name: "no unprocessed event is older than an hour",
    sql: `
      select count(*) as compared, array_agg(event_id) filter (
        where received_at < $1::timestamptz - interval '1 hour') as wrong
      from webhook_events where status = 'deferred' and $1::timestamptz is not null`,
  },
];

async function countStep(database: Database, { name, sql }: Check, now: Date): Promise<SanityStep> {
  const values = sql.includes("$1") ? [now] : [];
  const { rows } = await readingWholeTables(database, (tx) =>
    tx.query<{ compared: bigint | string; wrong: string[] | null }>(sql, values),
  );
  return step(name, Number(rows[0]?.compared ?? 0), rows[0]?.wrong ?? []);
}

/** Allows sequential scans, which sessions turn off (src/database/session.ts). They are faster for a whole table. */
function readingWholeTables<Result>(
  { pool }: Database,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return inTransaction(pool, async (tx) => {
    await tx.query("set local enable_seqscan = on");
    return work(tx);
  });
}

const sampleStatement = {
  name: "sanity_sample",
  text: `
    select organization_id, array_agg(square_customer_id) as customer_ids from (
      select organization_id, square_customer_id from customer_analytics
      order by case when $1 then null else md5(square_customer_id || $2::text) end, organization_id, square_customer_id
      limit $3
    ) as chosen group by organization_id`,
};

async function columnsStep(
  database: Database,
  clock: Clock,
  all: boolean,
  onProgress: SanityProgress,
): Promise<SanityStep> {
  const { rows } = await readingWholeTables(database, (tx) =>
    query<{ organization_id: string; customer_ids: string[] }>(tx, sampleStatement, [
      all,
      clock(),
      all ? null : SAMPLE,
    ]),
  );
  const total = rows.reduce((sum, { customer_ids }) => sum + customer_ids.length, 0);
  let done = 0;
  let compared = 0;
  const wrong: string[] = [];
  for (const { organization_id, customer_ids } of rows) {
    for (let at = 0; at < customer_ids.length; at += CUSTOMERS_AT_ONCE) {
      const chunk = customer_ids.slice(at, at + CUSTOMERS_AT_ONCE);
      const rows = await bisectOnFailure(
        chunk,
        (ids) => compareRows(database.pool, organization_id, ids, clock()),
        (id) => {
          wrong.push(`${id}: cannot be computed`);
        },
      );
      // A server may have computed a row after our instant. Such a row is ahead of ours and is left out.
      for (const row of rows.flat().filter(({ stored, ahead }) => stored && !ahead)) {
        compared += 1;
        // A row that came due may be old in the columns that depend on the clock. All other columns must be right.
        const columns = unexplained(row);
        if (columns.length > 0) wrong.push(`${row.customerId}: ${columns.join(", ")}`);
      }
      done += chunk.length;
      onProgress(done, total);
    }
  }
  return step(`every column equals its recomputation (${all ? "all rows" : "a sample"})`, compared, wrong);
}

/** A sample has so many ranges, each of few days. All days are compared in ranges as long as those that are kept. */
const RANGES = 20;

// Primary key.
const rangesStatement = {
  name: "sanity_kept_days",
  text: `
    select organization_id, min(day)::text as from, max(day)::text as to
    from (
      select organization_id, day, row_number() over (partition by organization_id order by day) / $1::integer as range
      from kept_days where part = 0
    ) as kept
    group by organization_id, range
    order by case when $2::integer is null then null else md5(organization_id::text || min(day)) end,
      organization_id, range
    limit $2`,
};

interface Range {
  readonly organization_id: string;
  readonly from: string;
  readonly to: string;
}

async function keptDaysStep(database: Database, all: boolean): Promise<SanityStep> {
  const { rows: ranges } = await readingWholeTables(database, (tx) =>
    query<Range>(tx, rangesStatement, [all ? DAYS_AT_ONCE : FEW_DAYS, all ? null : RANGES]),
  );
  let compared = 0;
  const wrong: string[] = [];
  for (const { organization_id, from, to } of ranges) {
    const answer = await compareKeptDays(database.pool, organization_id, { from, to });
    compared += answer.compared;
    wrong.push(...answer.different.map((day) => `${organization_id}: ${day}`));
  }
  return step(`every kept day equals its facts (${all ? "all days" : "a sample"})`, compared, wrong);
}

function step(name: string, compared: number, wrong: readonly string[]): SanityStep {
  return {
    name,
    compared,
    mismatches: wrong.length,
    examples: wrong.slice(0, SHOWN),
    passed: wrong.length === 0,
  };
}
