import type pg from "pg";
import { query, withoutTimeout } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { lockSettings } from "../facts/locks.js";
import type { SegmentDays } from "./rules.js";

// Primary key.
const settingsStatement = {
  name: "set_segment_days",
  text: "update organizations set settings = settings || jsonb_build_object('segments', $2::jsonb) where id = $1",
};

// The whole organization, by the primary key: every row is to be recomputed. A row that is due already stays so.
const dueText = `
  update customer_analytics set refresh_due_at = least(refresh_due_at, $2) where organization_id = $1`;

/**
 * Changes how many days an organization's segments last. In the same transaction all of its rows come due at `now`:
 * each is recomputed when it is read or by the next turn, and what that changes counts as time, not as drift.
 * Webhooks of the organization wait meanwhile.
 *
 * @returns how many rows came due
 */
export async function setSegmentDays(
  pool: pg.Pool,
  organizationId: string,
  days: SegmentDays,
  now: Date,
): Promise<number> {
  return inTransaction(pool, async (tx) => {
    await lockSettings(tx, organizationId);
    await query(tx, settingsStatement, [organizationId, JSON.stringify(days)]);
    const { rowCount } = await tx.query(withoutTimeout(dueText, [organizationId, now]));
    return rowCount ?? 0;
  });
}
