import type pg from "pg";
import { query } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import type { PendingFetch, Revocation } from "./types.js";

const markFetchesStatement = {
  name: "mark_fetches",
  text: `
    insert into pending_fetches as known (organization_id, object_type, object_id, requested_at)
    select distinct $1::uuid, object_type, object_id, $3::timestamptz
    from jsonb_to_recordset($2::jsonb) as f (object_type text, object_id text)
    order by object_type, object_id
    on conflict (organization_id, object_type, object_id) do update set
      requested_at = greatest(known.requested_at, excluded.requested_at)`,
};

/** Records objects that events named without carrying them. They are fetched from Square later. */
export async function markFetches(
  tx: pg.PoolClient,
  organizationId: string,
  fetches: readonly PendingFetch[],
  now: Date,
): Promise<void> {
  if (fetches.length > 0) await query(tx, markFetchesStatement, [organizationId, writeJson(fetches), now]);
}

// A late revocation does not end an authorization that was given after it. What was disconnected stays disconnected:
// Square sends a revocation then, too. By the primary key.
const revokeStatement = {
  name: "revoke_organization",
  text: `
    update organizations set status = 'revoked'
    where id = $1 and status = 'active' and (authorized_at is null or authorized_at < $2::timestamptz)`,
};

/** Records that the seller withdrew access. Stored data stays. Nothing more is pulled from Square. */
export async function revokeAccess(
  tx: pg.PoolClient,
  organizationId: string,
  revocations: readonly Revocation[],
): Promise<void> {
  const latest = revocations
    .map(({ revoked_at }) => revoked_at)
    .toSorted()
    .at(-1);
  if (latest !== undefined) await query(tx, revokeStatement, [organizationId, latest]);
}
