import type pg from "pg";
import { recompute } from "../analytics/recompute.js";
import { inBackgroundTransaction } from "../database/lock-wait.js";
import { type Queryable, queryUnprepared, type Statement } from "../database/query.js";
import { RetryTransaction } from "../database/transaction.js";
import { type ErasedRows, eraseFacts } from "../facts/erasures.js";
import { lockCustomers } from "../facts/locks.js";
import { idsNamingCustomer, idsOfCustomer } from "./customer-ids.js";
import { stripPayloadsNaming } from "./strip-payloads.js";

/**
 * Erases a customer's personal data: in the facts and the row in one transaction, then in the stored events, page by
 * page. What arrives later for the erased ids is stripped before it is stored. The sweep repeats each erasure. So it
 * ends one that was cut off, and it finds ids that were merged into an erased customer, and events that no handler
 * reads.
 */

/** How many rows lost texts. */
export interface Erased extends ErasedRows {
  readonly events: number;
}

// Indexes: primary keys, bookings_customer_idx, payments_customer_idx.
const knownStatement: Statement = {
  name: "is_customer_known",
  text: `
    select exists (select from customers where organization_id = $1 and square_customer_id = any ($2))
      or exists (select from bookings where organization_id = $1 and customer_id = any ($2))
      or exists (select from payments where organization_id = $1 and customer_id = any ($2))
      or exists (select from referral_profiles where organization_id = $1 and square_customer_id = any ($2))
      or exists (select from customer_erasures where organization_id = $1 and square_customer_id = any ($2)) as known`,
};

/** Whether anything is stored about the customer. A merged id means its survivor. */
export async function isCustomerKnown(
  on: Queryable,
  organizationId: string,
  customerId: string,
): Promise<boolean> {
  const { ids } = await idsOfCustomer(on, organizationId, customerId);
  const { rows } = await queryUnprepared<{ known: boolean }>(on, knownStatement, [organizationId, ids]);
  return rows[0]?.known ?? false;
}

// Index: primary key.
const eventsDoneStatement: Statement = {
  name: "erasure_reached_events",
  text: `
    update customer_erasures set events_until = $3
    where organization_id = $1 and square_customer_id = any ($2)`,
};

/** An event may be committed this much later than it was received. */
const LATE_COMMIT_MS = 10 * 60_000;

/**
 * Erases one customer and the ids merged into it. Repeating it changes nothing more.
 *
 * @param now the instant of the erasure, and of the row's recomputation
 * @param since the events received before are known to hold no texts
 * @param onPage called with the number of events read so far
 * @throws LockedElsewhere when another session holds the customer's lock
 */
export async function eraseCustomer(
  pool: pg.Pool,
  organizationId: string,
  customerId: string,
  now: Date,
  since: Date | "-infinity" = "-infinity",
  onPage?: (read: number) => void,
): Promise<Erased> {
  const { customer, rows } = await inBackgroundTransaction(pool, async (tx) => {
    const customer = await idsOfCustomer(tx, organizationId, customerId);
    const locked = await lockCustomers(tx, organizationId, customer.ids);
    const known = await idsOfCustomer(tx, organizationId, customerId);
    if (!known.ids.every((id) => locked.has(id))) {
      throw new RetryTransaction("A customer was merged while its erasure waited");
    }
    const rows = await eraseFacts(tx, organizationId, known.ids, now);
    await recompute(tx, organizationId, known.ids, now);
    return { customer: known, rows };
  });
  const names = await idsNamingCustomer(pool, organizationId, customer);
  const events = await stripPayloadsNaming(pool, organizationId, names, since, onPage);
  const until = new Date(now.getTime() - LATE_COMMIT_MS);
  await queryUnprepared(pool, eventsDoneStatement, [organizationId, customer.ids, until]);
  return { ...rows, events };
}
