import type { OwnedBy, TableShape } from "./mirror-tables.js";

/**
 * SQL for the customer whose row an object changes. Each lookup is a scalar subquery over a primary key, so every
 * plan uses that key.
 */

/** The survivor of the customer that a fact reports. $1 is the organization. */
export function survivorOf(fact: string): string {
  return `coalesce(
        (select to_customer_id from customer_aliases
          where organization_id = $1 and from_customer_id = ${fact}.reported_customer_id),
        ${fact}.reported_customer_id)`;
}

function customerOfPayment(paymentId: string): string {
  return `(select customer_id from payments where organization_id = $1 and payment_id = ${paymentId})`;
}

interface OwnerSql {
  /** The owner of an incoming copy `i`. */
  readonly now: string;
  /** The owner of the stored copy `s`. */
  readonly before: string;
  /** The owner of the stored object `id`. Null where no lookup is needed. */
  readonly stored: ((shape: TableShape) => string) | null;
}

export const owners: Readonly<Record<OwnedBy, OwnerSql>> = {
  report: {
    now: survivorOf("i"),
    before: "s.customer_id",
    stored: ({ table, key }) =>
      `(select customer_id from ${table} where organization_id = $1 and ${key} = id)`,
  },
  payment: {
    now: customerOfPayment("i.payment_id"),
    before: customerOfPayment("s.payment_id"),
    stored: ({ table, key }) =>
      customerOfPayment(`(
        select payment_id from ${table} where organization_id = $1 and ${key} = id)`),
  },
  itself: { now: "i.square_customer_id", before: "null::text", stored: null },
  nobody: { now: "null::text", before: "null::text", stored: null },
};
