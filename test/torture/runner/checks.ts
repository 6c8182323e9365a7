/** What must hold after every attack. */
import { refreshOrganization } from "../../../src/analytics/refresh.js";
import type { Database } from "../../../src/database/database.js";
import {
  expectedAnalytics,
  explainTableDifferences,
  factsFromEvents,
  type WebhookEvent,
} from "../../oracle/index.js";
import { readFacts, readRows } from "../../support/worlds.js";
import type { Tally } from "./tally.js";

/** Every acknowledged event is stored. */
export async function checkNothingLost(
  { pool }: Database,
  acknowledged: Iterable<string>,
  tally: Tally,
): Promise<void> {
  const ids = [...new Set(acknowledged)];
  const { rows } = await pool.query<{ id: string }>(
    `select id from unnest($1::text[]) as a (id)
     where not exists (select from webhook_events where event_id = a.id)`,
    [ids],
  );
  tally.lost(rows.map(({ id }) => id));
}

/** Every event is stored once and was processed at once. An event whose transaction failed repeatedly is deferred. */
export async function checkStoredOnce({ pool }: Database, tally: Tally): Promise<void> {
  const { rows } = await pool.query(
    `select event_id, min(event_type) as event_type, array_agg(status) as statuses, max(last_error) as last_error
     from webhook_events group by event_id
     having count(*) > 1 or bool_or(status in ('deferred', 'dead') or attempts > 1) limit 5`,
  );
  for (const row of rows) tally.broken(`stored twice or not processed at once: ${JSON.stringify(row)}`);
}

/**
 * Compares every row of an organization with the oracle's row at `now`. The oracle computes from the events and not
 * from the stored facts. Before, rows that came due are recomputed, as the running server does within a minute. No
 * other row is touched.
 *
 * @param events all that was acknowledged, each once or more often, in any order
 */
export async function checkRows(
  database: Database,
  organizationId: string,
  events: readonly WebhookEvent[],
  now: Date,
  tally: Tally,
): Promise<void> {
  for await (const _ of refreshOrganization(database.pool, organizationId, "recent", () => now)) {
    // Each turn refreshes one chunk.
  }
  const { organization, locations } = await readFacts(database, organizationId);
  const expected = expectedAnalytics(factsFromEvents(events, organization, locations), now);
  const rows = await readRows(database, organizationId, "customer_analytics");
  const differences = explainTableDifferences(expected.values(), rows, ["square_customer_id"]);
  const wrong = new Set(differences.map((line) => line.split(": ")[0]));
  tally.compared(Math.max(rows.length, expected.size), wrong.size, differences);
}

/** No advisory lock is held and no transaction is open when nothing runs. */
export async function checkNoLocksLeft({ pool }: Database, tally: Tally): Promise<void> {
  const { rows } = await pool.query<{ held: bigint }>(
    `select count(*) as held from pg_locks
     where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  );
  tally.expect(rows[0]?.held === 0n, `${rows[0]?.held} locks remain`);
  const open = await openTransactions({ pool });
  tally.expect(open === 0n, `${open} transactions remain open`);
}

/** Idle transactions of other sessions. */
export async function openTransactions({ pool }: Pick<Database, "pool">): Promise<bigint> {
  const { rows } = await pool.query<{ open: bigint }>(
    `select count(*) as open from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%' and pid <> pg_backend_pid()`,
  );
  return rows[0]?.open ?? 0n;
}
