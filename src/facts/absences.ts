import type pg from "pg";
import { query } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import { mirrorTables } from "./mirror-tables.js";
import type { Absence } from "./types.js";

/**
 * Deletions that no event told. The deletion is inferred, so whatever is said of the profile afterwards beats it: its order key is
 * the lowest that there is of the version that stood, and every copy of that version or a higher one is greater.
 */

const kept = new Set(["square_customer_id", "version", "deleted_at"]);
const cleared = Object.keys(mirrorTables.customer.columns).filter((name) => !kept.has(name));

// Primary key of customers. A row is met by one of the two: the first wants no earlier answer, the second one of an earlier pull.
const recordStatement = {
  name: "record_absences",
  text: `
    with asked as (
      select square_customer_id, decode(known_key, 'hex') as known_key, asked_at
      from jsonb_to_recordset($2::jsonb) as a (square_customer_id text, known_key text, asked_at timestamptz)
    ),
    missed as (
      update customers known set not_found_since = asked.asked_at from asked
      where known.organization_id = $1 and known.square_customer_id = asked.square_customer_id
        and known.order_key = asked.known_key and known.deleted_at is null and known.not_found_since is null
    )
    update customers known set
      deleted_at = asked.asked_at, other_copy = null,
      order_key = substring(known.order_key for 8) || decode(repeat('00', 50), 'hex'),
      ${cleared.map((name) => `${name} = null`).join(", ")}
    from asked
    where known.organization_id = $1 and known.square_customer_id = asked.square_customer_id
      and known.order_key = asked.known_key and known.deleted_at is null and known.not_found_since < asked.asked_at
    returning known.square_customer_id`,
};

/**
 * Notes that Square did not find profiles, and deletes those for which it is the second answer. The caller holds the
 * customers' locks.
 *
 * @returns whose deletion was inferred
 */
export async function recordAbsences(
  tx: pg.PoolClient,
  organizationId: string,
  absences: readonly Absence[],
): Promise<string[]> {
  if (absences.length === 0) return [];
  const { rows } = await query<{ square_customer_id: string }>(tx, recordStatement, [
    organizationId,
    writeJson(absences),
  ]);
  return rows.map((row) => row.square_customer_id);
}
