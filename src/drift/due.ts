import { CUSTOMERS_AT_ONCE, dueCustomers } from "../analytics/refresh.js";
import type { Clock } from "../clock.js";
import { bisectOnFailure } from "../database/bisect.js";
import type { Database } from "../database/database.js";
import { queryUnprepared } from "../database/query.js";
import { describeFailure, LockedElsewhere } from "../errors.js";
import type { Log } from "../log.js";
import { type Corrections, correct } from "./correct.js";
import { correctAndReport, type DriftRun } from "./run.js";

/** Recomputes an organization's rows that came due or are of other definitions. */
export async function correctDue(run: DriftRun, organizationId: string): Promise<void> {
  const { pool, clock, signal, report } = run;
  for (let after = ""; !signal.aborted; ) {
    const customerIds = await dueCustomers(pool, organizationId, after, CUSTOMERS_AT_ONCE, clock());
    const last = customerIds.at(-1);
    if (last === undefined) return;
    await correctAndReport(run, organizationId, "due", customerIds);
    after = last;
    run.onProgress({ step: "due", done: report.time_decayed });
  }
}

// Index: customer_analytics_due_idx. The lower bound tells the planner that few rows match.
const cameDueStatement = {
  name: "came_due",
  text: `
    select organization_id, array_agg(square_customer_id) as customer_ids from (
      select organization_id, square_customer_id from customer_analytics
      where refresh_due_at > '-infinity' and refresh_due_at <= $1 and organization_id <> all ($3::uuid[])
      order by refresh_due_at limit $2
    ) as due group by organization_id`,
};

interface CameDue {
  readonly organization_id: string;
  readonly customer_ids: readonly string[];
}

/** The most rows of one turn. At a thousand rows a second, a turn ends before the next one begins. */
const LIMIT = 5_000;

/** What the recompute between sweeps uses. */
export interface DueContext {
  readonly database: Pick<Database, "pool">;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the process stops. */
  readonly signal?: AbortSignal;
}

/**
 * Recomputes rows of all organizations that came due. The rows that are due longest come first. A server calls this
 * between sweeps. A drifted row is corrected too, and logged. The rows of an organization whose locks are held
 * elsewhere take no place from those of the others.
 *
 * @param limit the most rows; the next call does the rest
 * @returns the number of corrected rows
 */
export async function recomputeCameDue(context: DueContext, limit = LIMIT): Promise<number> {
  const { clock, log, signal } = context;
  const { pool } = context.database;
  const locked: string[] = [];
  let corrected = 0;
  for (;;) {
    const before = locked.length;
    const values = [clock(), limit, locked];
    const { rows } = await queryUnprepared<CameDue>(pool, cameDueStatement, values);
    for (const { organization_id, customer_ids } of rows) {
      try {
        for (let at = 0; at < customer_ids.length && !signal?.aborted; at += CUSTOMERS_AT_ONCE) {
          const ids = customer_ids.slice(at, at + CUSTOMERS_AT_ONCE);
          corrected += await correctBatch(context, organization_id, ids);
        }
      } catch (error) {
        if (!(error instanceof LockedElsewhere)) throw error;
        log.warn({ organization_id, reason: error.message }, "due rows wait for a lock");
        locked.push(organization_id);
      }
    }
    if (locked.length === before || signal?.aborted) return corrected;
  }
}

async function correctBatch(
  context: DueContext,
  organization_id: string,
  customerIds: readonly string[],
): Promise<number> {
  const { clock, log } = context;
  const parts = await bisectOnFailure(
    customerIds,
    (ids) => correct({ pool: context.database.pool, clock }, organization_id, ids),
    (id, error) => {
      const fields = { organization_id, customer_id: id, reason: describeFailure(error) };
      log.error(fields, "due row not computed");
    },
  );
  for (const part of parts) logDrift(context, organization_id, part);
  return parts.reduce((sum, { timeDecayed, drifted, deleted }) => sum + timeDecayed + drifted + deleted, 0);
}

function logDrift({ log }: DueContext, organizationId: string, { drifted, driftedColumns }: Corrections) {
  if (drifted === 0) return;
  const columns = [...new Set(driftedColumns)];
  log.warn({ organization_id: organizationId, drifted, columns }, "drift in due rows");
}
