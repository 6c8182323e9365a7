import { type Queryable, queryUnprepared, type Statement } from "../database/query.js";

/** A customer as all its ids. */
export interface CustomerIds {
  /** The survivor's id. */
  readonly id: string;
  /** The survivor's id and the ids that were merged into it. */
  readonly ids: readonly string[];
}

// By the primary key of customer_aliases and by its index over to_customer_id.
const idsStatement: Statement = {
  name: "ids_of_customer",
  text: `
    with survivor as (
      select coalesce((
        select to_customer_id from customer_aliases where organization_id = $1 and from_customer_id = $2
      ), $2) as id
    )
    select id, array(
      select from_customer_id from customer_aliases
      where organization_id = $1 and to_customer_id = survivor.id order by from_customer_id
    ) as merged_ids from survivor`,
};

// By bookings_customer_idx, payments_customer_idx and refunds_payment_idx.
const namesStatement: Statement = {
  name: "names_of_customer",
  text: `
    select array_agg(id) as names from (
      select unnest($3::text[]) as id
      union select booking_id from bookings where organization_id = $1 and customer_id = $2
      union select unnest(array[payment_id, order_id]) from payments
        where organization_id = $1 and customer_id = $2
      union select refund_id from refunds where organization_id = $1 and payment_id in (
        select payment_id from payments where organization_id = $1 and customer_id = $2
      )
    ) as named where id is not null`,
};

/** Finds the customer that an id means. A merged id means its survivor. An id that nobody knows means itself. */
export async function idsOfCustomer(
  on: Queryable,
  organizationId: string,
  customerId: string,
): Promise<CustomerIds> {
  const { rows } = await queryUnprepared<{ id: string; merged_ids: string[] }>(on, idsStatement, [
    organizationId,
    customerId,
  ]);
  const { id, merged_ids } = rows[0] ?? { id: customerId, merged_ids: [] };
  return { id, ids: [id, ...merged_ids] };
}

/**
 * The ids that mark an event as the customer's: of the customer, and of their bookings, payments, orders and refunds.
 */
export async function idsNamingCustomer(
  on: Queryable,
  organizationId: string,
  { id, ids }: CustomerIds,
): Promise<string[]> {
  const { rows } = await queryUnprepared<{ names: string[] }>(on, namesStatement, [organizationId, id, ids]);
  return rows[0]?.names ?? [];
}
