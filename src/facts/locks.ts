import type pg from "pg";
import { query } from "../database/query.js";

/**
 * Locks that end with the transaction. Objects first, then customers, each sorted: every transaction takes them
 * in one order, so they cannot deadlock among themselves. Two events of one customer wait for each other; events
 * of different customers do not. An object has a lock of its own because its two versions may name two customers.
 */

const lockObjectsStatement = {
  name: "lock_objects",
  text: `
    select pg_advisory_xact_lock(hashtextextended($1 || '/' || object, 0))
    from (select object from unnest($2::text[]) as o (object) order by object collate "C") as sorted`,
};

/** @param objects such as `booking/ID`, in any order */
export async function lockObjects(
  tx: pg.PoolClient,
  organizationId: string,
  objects: readonly string[],
): Promise<void> {
  if (objects.length > 0) await query(tx, lockObjectsStatement, [organizationId, objects]);
}

/** Which customers a batch may touch: those its facts name, and those who own the stored objects. */
export interface LockTargets {
  readonly customerIds: readonly string[];
  readonly bookingIds: readonly string[];
  readonly paymentIds: readonly string[];
  readonly refundIds: readonly string[];
}

// Each lookup is by primary key, written as a scalar so that no plan can make it anything else.
const lockCustomersStatement = {
  name: "lock_customers",
  text: `
    with named as (
      select unnest($2::text[]) as customer_id
      union
      select (select customer_id from bookings where organization_id = $1 and booking_id = id)
      from unnest($3::text[]) as b (id)
      union
      select (select customer_id from payments where organization_id = $1 and payment_id = id)
      from unnest($4::text[]) as p (id)
      union
      select (select customer_id from payments where organization_id = $1 and payment_id = (
        select payment_id from refunds where organization_id = $1 and refund_id = id))
      from unnest($5::text[]) as r (id)
    ),
    concerned as (
      select customer_id from named
      union
      select (select to_customer_id from customer_aliases
        where organization_id = $1 and from_customer_id = named.customer_id)
      from named
    )
    select customer_id, pg_advisory_xact_lock(hashtextextended($1::text || '/customer/' || customer_id, 0))
    from (
      select customer_id from concerned where customer_id is not null order by customer_id collate "C"
    ) as sorted`,
};

/**
 * Locks every customer concerned and the survivors of those who were merged.
 *
 * @returns the ids locked. What is read after this may name further customers, if a merge was committed while we
 * waited: the caller then starts over (RetryTransaction).
 */
export async function lockCustomers(
  tx: pg.PoolClient,
  organizationId: string,
  { customerIds, bookingIds, paymentIds, refundIds }: LockTargets,
): Promise<Set<string>> {
  const { rows } = await query<{ customer_id: string }>(tx, lockCustomersStatement, [
    organizationId,
    customerIds,
    bookingIds,
    paymentIds,
    refundIds,
  ]);
  return new Set(rows.map((row) => row.customer_id));
}
