import type pg from "pg";
import { query } from "../database/query.js";
import type { TableShape } from "./mirror-tables.js";
import type { ObjectKind } from "./types.js";

/**
 * Marks of days. The figures of past days are kept (src/days). A transaction that changes a fact of such a day also
 * marks the day, and reports then read its facts. Nearly all events are about days that are not kept yet. They cost
 * no statement.
 */

const HOUR_MS = 3600 * 1000;

/** A changed fact marks its day when it is older than this. */
export const MARKED_AFTER_MS = 30 * HOUR_MS;

/** A booking rebooks a visit of the 24 hours before it was made. So a younger one marks that visit's day. */
const REBOOKS_AFTER_MS = MARKED_AFTER_MS - 24 * HOUR_MS;

/** When and where an object counts since its copy was written, and where it counted before. */
export interface DayChange {
  /** NULL when nothing changed that is counted. */
  readonly at: Date | null;
  /** The location's id. */
  readonly place: string | null;
  /** NULL for a new object. */
  readonly was_at: Date | null;
  readonly was_place: string | null;
  /** Of a booking whose status or customer changed: the first and the last time at which a copy says it was made. */
  readonly made_from: Date | null;
  readonly made_until: Date | null;
}

/** Where a copy counts. A refund without a location counts at its payment's. */
const placeOf = ({ owner }: TableShape, copy: string) =>
  owner.by === "payment"
    ? `coalesce(${copy}.location_id, (
          select location_id from payments where organization_id = $1 and payment_id = ${copy}.payment_id))`
    : `${copy}.location_id`;

/** SQL of the columns that `dayChangeColumns` needs of the stored copy `s`. */
export function storedDayColumns(shape: TableShape): string {
  const { day, owner } = shape;
  if (!day) return "";
  const compared = [...day.counts, ...(owner.by === "report" ? ["customer_id"] : [])];
  const names = new Set([day.at, ...compared, ...(day.madeAt ? [day.madeAt, "status"] : [])]);
  const columns = [...names].map((name) => `, s.${name} as was_${name}`);
  return `${columns.join("")}, ${placeOf(shape, "s")} as was_place`;
}

/**
 * SQL of a `DayChange`, of the relations `incoming`, `stored` and `written`. `at` is NULL where nothing changed that
 * is counted.
 */
export function dayChangeColumns(shape: TableShape): string {
  const { key, day, owner } = shape;
  if (!day) return "";
  const { at, counts, madeAt } = day;
  const differs = (names: readonly string[]) =>
    `(${names.map((name) => `incoming.${name}`).join(", ")})
          is distinct from (${names.map((name) => `stored.was_${name}`).join(", ")})`;
  const compared = [...counts, ...(owner.by === "report" ? ["customer_id"] : [])];
  // The parts of an object are not compared, so every written copy counts.
  const changed = `written.${key} is not null${counts.length > 0 ? ` and ${differs(compared)}` : ""}`;
  // A rebooking that itself starts in the past marks all days since.
  const rebooks = `written.${key} is not null and ${differs(["status", "customer_id", madeAt ?? ""])}`;
  return `,
        case when ${changed} then incoming.${at} end as at,
        ${placeOf(shape, "incoming")} as place, stored.was_${at} as was_at, stored.was_place,
        ${madeAt ? `case when ${rebooks} then least(incoming.${madeAt}, stored.was_${madeAt}) end` : "null::timestamptz"} as made_from,
        ${madeAt ? `greatest(incoming.${madeAt}, stored.was_${madeAt})` : "null::timestamptz"} as made_until`;
}

/** What changed about kept days. */
export interface Changed {
  /** When and where objects count or counted. */
  readonly moments: { readonly at: Date | null; readonly place: string | null }[];
  /** Payments and their locations. Their refunds may count there. */
  readonly payments: { readonly payment_id: string; readonly place: string | null }[];
  /** Customers whose days since then changed. With `made_from`, also the day of a visit that was rebooked. */
  readonly customers: {
    readonly customer_id: string;
    /** NULL: none. */
    readonly since: Date | "-infinity" | null;
    readonly made_from: Date | null;
    readonly made_until: Date | null;
    /** All days of the customer's payments too. */
    readonly payments?: true;
  }[];
}

/** The changes of a batch, before any is noted: the facts of these customers moved from one to another. */
export function changesOfMoved(customerIds: readonly string[]): Changed {
  const all = { since: "-infinity", made_from: null, made_until: null, payments: true } as const;
  const customers = customerIds.map((customer_id) => ({ customer_id, ...all }));
  return { moments: [], payments: [], customers };
}

/** A written object. */
interface WrittenObject extends Partial<DayChange> {
  readonly kind: ObjectKind;
  readonly id: string;
  /** Its owners, before and now. */
  readonly customerIds: readonly string[];
}

/** Adds a written object to `changed` if kept days may contain it. */
export function noteChange(changed: Changed, written: WrittenObject, now: Date): void {
  const { kind, at = null, was_at = null, made_from = null, made_until = null } = written;
  const since = at !== null && was_at !== null && was_at < at ? was_at : at;
  const isPast = since !== null && since.getTime() < now.getTime() - MARKED_AFTER_MS;
  const rebooks = made_from !== null && made_from.getTime() < now.getTime() - REBOOKS_AFTER_MS;
  if (isPast) noteMoments(changed, written);
  if (kind !== "booking" || !(isPast || rebooks)) return;
  for (const customer_id of written.customerIds) {
    const made = rebooks ? { made_from, made_until } : { made_from: null, made_until: null };
    changed.customers.push({ customer_id, since: isPast ? since : null, ...made });
  }
}

function noteMoments(changed: Changed, { kind, id, ...written }: WrittenObject): void {
  const { at = null, place = null, was_at = null, was_place = null } = written;
  const moments = [{ at, place }, ...(was_at ? [{ at: was_at, place: was_place }] : [])];
  changed.moments.push(...moments);
  if (kind === "payment")
    changed.payments.push(...moments.map((moment) => ({ payment_id: id, place: moment.place })));
}

// Indexes: primary keys, refunds_payment_idx, bookings_customer_idx and payments_customer_idx. A changed booking
// moves the customer's later days too: each says how long ago the day before it was.
const markStatement = {
  name: "mark_days",
  text: `
    with organization as (
      select o.id, o.time_zone from organizations o
      where o.id = $1 and exists (select from day_keeping where organization_id = $1)
    ),
    customer as (
      select * from jsonb_to_recordset($4::jsonb) as c (
        customer_id text, since timestamptz, made_from timestamptz, made_until timestamptz, payments boolean
      )
      where exists (select from organization)
    ),
    moment as (
      select m.at, m.place from jsonb_to_recordset($2::jsonb) as m (at timestamptz, place text)
      union all
      select r.created_at, coalesce(r.location_id, p.place)
      from jsonb_to_recordset($3::jsonb) as p (payment_id text, place text)
      join refunds r on r.organization_id = $1 and r.payment_id = p.payment_id
      union all
      select b.start_at, b.location_id
      from customer c
      join bookings b on b.organization_id = $1 and b.customer_id = c.customer_id
      where b.start_at >= c.since
        or (b.start_at >= c.made_from - interval '24 hours' and b.start_at <= c.made_until)
      union all
      select p.created_at, p.location_id
      from customer c
      join payments p on p.organization_id = $1 and p.customer_id = c.customer_id
      where c.payments
    )
    insert into day_marks (organization_id, day)
    select distinct o.id, local_date(m.at, coalesce(l.time_zone, o.time_zone))
    from organization o
    cross join moment m
    left join locations l on l.organization_id = o.id and l.square_location_id = m.place
    where m.at < $5`,
};

/**
 * Marks the days of what changed, in the caller's transaction. While the organization keeps no days this does
 * nothing.
 *
 * The caller shares the lock of the organization's settings (src/facts/locks.ts). Keeping begins under that lock
 * alone, so every transaction that does not see it has ended before.
 */
export async function markDays(
  tx: pg.PoolClient,
  organizationId: string,
  { moments, payments, customers }: Changed,
  now: Date,
): Promise<void> {
  if (moments.length + customers.length === 0) return;
  await query(tx, markStatement, [
    organizationId,
    JSON.stringify(moments),
    JSON.stringify(payments),
    JSON.stringify(customers),
    now,
  ]);
}
