import type pg from "pg";
import { queryUnprepared, type Statement } from "../database/query.js";
import { eraseCustomer } from "../inbox/erasures.js";

// Reads all of customer_erasures, which is small. Merged ids are reached with their survivor.
const erasuresStatement: Statement = {
  name: "erasures",
  text: `
    select e.organization_id, e.square_customer_id, e.events_until from customer_erasures e
    where not exists (
      select from customer_aliases a join customer_erasures s
        on s.organization_id = a.organization_id and s.square_customer_id = a.to_customer_id
      where a.organization_id = e.organization_id and a.from_customer_id = e.square_customer_id
    )
    order by e.organization_id, e.square_customer_id`,
};

/**
 * Repeats every erasure for what arrived since.
 *
 * @param attempt runs the work of one organization; its failure does not stop the others
 * @param onDone called after each customer with the number done so far
 * @returns the number of rows that lost texts
 */
export async function repeatErasures(
  pool: pg.Pool,
  now: Date,
  signal: AbortSignal,
  attempt: (organizationId: string, work: () => Promise<void>) => Promise<void>,
  onDone: (customers: number) => void,
): Promise<number> {
  const { rows } = await queryUnprepared<{
    organization_id: string;
    square_customer_id: string;
    events_until: Date | null;
  }>(pool, erasuresStatement, []);
  let [stripped, done] = [0, 0];
  for (const organizationId of new Set(rows.map(({ organization_id }) => organization_id))) {
    await attempt(organizationId, async () => {
      for (const { organization_id, square_customer_id, events_until } of rows) {
        if (organization_id !== organizationId) continue;
        if (signal.aborted) return;
        const since = events_until ?? "-infinity";
        const erased = await eraseCustomer(pool, organizationId, square_customer_id, now, since);
        stripped += Object.values(erased).reduce((sum, count) => sum + count, 0);
        done += 1;
        onDone(done);
      }
    });
  }
  return stripped;
}
