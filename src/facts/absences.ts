import type pg from "pg";
import { query } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import { mirrorTables } from "./mirror-tables.js";
import type { Absence } from "./types.js";

/**
 * Inferred deletions: no event reported them. A later copy of the profile, of the stored version or a higher one,
 * undoes the deletion. For that, the deletion's order key is the lowest key of the stored version.
 */

const kept = new Set(["square_customer_id", "version", "deleted_at"]);
const cleared = Object.keys(mirrorTables.customer.columns).filter((name) => !kept.has(name));

// Index: primary key of customers. The first update notes a first answer. The second deletes after an answer of an
// earlier pull. No row matches both.
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
 * Notes that Square did not find profiles. A profile that two pulls did not find is deleted. The caller holds the
 * customers' locks.
 *
 * @returns the ids of the deleted profiles
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
