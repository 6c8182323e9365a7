import { factsOfPayment } from "../../handlers/payment.js";
import { query } from "../database/query.js";
import type { PendingFetch } from "../facts/types.js";
import { MAX_IDS } from "../square/api/api.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { storeObjects } from "./store-objects.js";

/** Objects that events named without carrying them. */

// Index: primary key of pending_fetches.
const pendingStatement = {
  name: "pending_fetches",
  text: `
    select object_id from pending_fetches
    where organization_id = $1 and object_type = $2 and object_id > $3 and requested_at <= $4
    order by object_id limit $5`,
};

const fetchedStatement = {
  name: "fetched",
  text: `
    delete from pending_fetches
    where organization_id = $1 and object_type = $2 and ($3::text[] is null or object_id = any ($3)) and requested_at <= $4`,
};

const unknownPaymentsStatement = {
  name: "unknown_payments",
  text: `
    select payment_id from unnest($2::text[]) as p (payment_id)
    where not exists (select from payments where organization_id = $1 and payment_id = p.payment_id)`,
};

/** Deletes the marks that this pull has fetched. A mark that was made after the pull's start stays. */
export async function unmark(
  { pool, organizationId, startedAt }: PullTask,
  type: PendingFetch["object_type"],
  ids: readonly string[] | null = null,
): Promise<void> {
  await query(pool, fetchedStatement, [organizationId, type, ids, startedAt]);
}

/**
 * Pulls the payments of marked orders. Orders themselves are not stored. A payment in an order's tenders that is
 * not stored here was missed. It is requested by its id.
 */
export async function pullMarkedOrders(task: PullTask): Promise<void> {
  const { pool, organizationId, startedAt, api, signal } = task;
  for (let after = ""; !signal.aborted; ) {
    const values = [organizationId, "order", after, startedAt, MAX_IDS];
    const { rows } = await query<{ object_id: string }>(pool, pendingStatement, values);
    if (rows.length === 0) return;
    const ids = rows.map((row) => row.object_id);
    const paid = (await api.ordersById(ids)).flatMap(paymentIdsOf);
    const unknown = await query<{ payment_id: string }>(pool, unknownPaymentsStatement, [
      organizationId,
      paid,
    ]);
    for (const { payment_id } of unknown.rows) {
      const payment = await api.payment(payment_id);
      if (payment) await storeObjects(task, "payments", [payment], factsOfPayment);
    }
    await unmark(task, "order", ids);
    after = ids.at(-1) ?? "";
  }
}

function paymentIdsOf({ tenders }: JsonObject): string[] {
  if (!Array.isArray(tenders)) return [];
  return (tenders as readonly JsonObject[]).flatMap((tender) => {
    // A tender has the payment's id as `payment_id` and `id`. An older one has it as `id` only.
    const id = tender?.payment_id ?? tender?.id;
    return typeof id === "string" && /^[\w-]+$/.test(id) ? [id] : [];
  });
}
