import type pg from "pg";
import type { Database } from "../../../src/database/database.js";
import {
  expectedAnalytics,
  explainDifferences,
  type FactTables,
  factsFromEvents,
  type Row,
  type WebhookEvent,
} from "../../oracle/index.js";
import { readFacts, readRows } from "../../support/worlds.js";
import type { Tally } from "../runner/tally.js";

interface Snapshot {
  readonly facts: FactTables;
  readonly events: readonly WebhookEvent[];
  readonly rows: readonly Row[];
}

/**
 * Compares every row of an organization with the stored events, in one snapshot while others write. An event and its
 * effect are committed in one transaction, so every snapshot has both or neither.
 */
export async function checkSnapshot(database: Database, organizationId: string, tally: Tally): Promise<void> {
  const snapshot = await readSnapshot(database, organizationId);
  const { rows } = snapshot;
  const facts = factsOf(snapshot, tally);
  const now = new Date();
  const expected = expectedAnalytics(facts, now);
  const stored = new Map(rows.map((row) => [String(row.square_customer_id), row]));
  const ids = [...new Set([...expected.keys(), ...stored.keys()])];
  const wrong = ids.flatMap((id) => {
    const row = stored.get(id);
    const differs = (wish: Row | undefined) =>
      wish ? explainDifferences(wish, row).length > 0 : row !== undefined;
    if (!differs(expected.get(id))) return [];
    // The clock may have changed the row since. The running server recomputes it within a minute.
    const wish = expectedAnalytics(facts, String(row?.computed_at ?? now.toISOString())).get(id);
    if (!differs(wish)) return [];
    const why = wish ? explainDifferences(wish, row) : ["row not expected"];
    return [`in a snapshot, ${id}: ${why.join("; ")}`];
  });
  tally.compared(ids.length, wrong.length, wrong);
}

async function readSnapshot(database: Database, organizationId: string): Promise<Snapshot> {
  const client = await database.pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const within = { ...database, pool: client as unknown as pg.Pool };
    const facts = await readFacts(within, organizationId);
    const rows = await readRows(within, organizationId, "customer_analytics");
    const events = await client.query<{ payload: string }>(
      `select payload::text as payload from webhook_events
       where organization_id = $1 and status in ('processed', 'stale') order by received_at, event_id`,
      [organizationId],
    );
    await client.query("commit");
    return { facts, rows, events: events.rows.map(({ payload }) => JSON.parse(payload)) };
  } finally {
    client.release();
  }
}

/**
 * The facts of the events. Some events have not arrived yet, so the others may contradict each other. For example a
 * profile is merged into two, because the event that undid the first merge is missing. Then the stored facts are
 * used.
 */
function factsOf({ facts, events }: Snapshot, tally: Tally): FactTables {
  const { organization, locations, referral_profiles, referral_rewards } = facts;
  try {
    return { ...factsFromEvents(events, organization, locations), referral_profiles, referral_rewards };
  } catch {
    const name = "snapshots compared by their stored facts";
    tally.figure(name, Number(tally.figures[name] ?? 0) + 1);
    return facts;
  }
}
