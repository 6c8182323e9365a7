import { dueCustomers } from "../analytics/refresh.js";
import type { Clock } from "../clock.js";
import { bisectOnFailure } from "../database/bisect.js";
import type { Database } from "../database/database.js";
import { queryUnprepared } from "../database/query.js";
import { describeFailure } from "../errors.js";
import type { Log } from "../log.js";
import { type Corrections, correct } from "./correct.js";
import { correctAndReport, type DriftRun } from "./run.js";

/** Customers of one transaction: enough to share its cost, few enough that webhooks hardly wait for the locks. */
const CHUNK = 250;

/** Recomputes an organization's rows that came due or are of other definitions. */
export async function correctDue(run: DriftRun, organizationId: string): Promise<void> {
  const { pool, clock, signal, report } = run;
  for (let after = ""; !signal.aborted; ) {
    const customerIds = await dueCustomers(pool, organizationId, after, CHUNK, clock());
    const last = customerIds.at(-1);
    if (last === undefined) return;
    await correctAndReport(run, organizationId, "due", customerIds);
    after = last;
    run.onProgress({ step: "due", done: report.time_decayed });
  }
}

// customer_analytics_due_idx, whose range's lower end tells the planner that there are few.
const cameDueStatement = {
  name: "came_due",
  text: `
    select organization_id, array_agg(square_customer_id) as customer_ids from (
      select organization_id, square_customer_id from customer_analytics
      where refresh_due_at > '-infinity' and refresh_due_at <= $1
      order by refresh_due_at limit $2
    ) as due group by organization_id`,
};

/** Rows of one turn, which at a thousand a second is well done before the next turn. */
const LIMIT = 5_000;

/** What the turns between sweeps work with. */
export interface DueContext {
  readonly database: Pick<Database, "pool">;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the process is stopping. */
  readonly signal?: AbortSignal;
}

/**
 * Recomputes rows that came due, of all organizations, those first that have waited longest. A server does this between
 * sweeps. A row in which not only the clock's columns differ is corrected too, and told in the log.
 *
 * @param limit how many at most; the next turn goes on with the rest
 * @returns how many rows were put right
 */
export async function recomputeCameDue(context: DueContext, limit = LIMIT): Promise<number> {
  const { clock, log, signal } = context;
  const { pool } = context.database;
  const { rows } = await queryUnprepared<{ organization_id: string; customer_ids: string[] }>(
    pool,
    cameDueStatement,
    [clock(), limit],
  );
  let corrected = 0;
  for (const { organization_id, customer_ids } of rows) {
    for (let at = 0; at < customer_ids.length && !signal?.aborted; at += CHUNK) {
      const parts = await bisectOnFailure(
        customer_ids.slice(at, at + CHUNK),
        (ids) => correct({ pool, clock }, organization_id, ids),
        (id, error) => {
          const fields = { organization_id, customer_id: id, reason: describeFailure(error) };
          log.error(fields, "a row that came due could not be computed");
        },
      );
      for (const part of parts) {
        corrected += part.timeDecayed + part.drifted + part.deleted;
        tellDrift(context, organization_id, part);
      }
    }
  }
  return corrected;
}

function tellDrift({ log }: DueContext, organizationId: string, { drifted, driftedColumns }: Corrections) {
  if (drifted === 0) return;
  const columns = [...new Set(driftedColumns)];
  log.warn({ organization_id: organizationId, drifted, columns }, "rows that came due had drifted");
}
