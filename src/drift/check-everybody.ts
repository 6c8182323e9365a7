import { CUSTOMERS_AT_ONCE, customersInKeyOrder } from "../analytics/refresh.js";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { clearPositions, readPosition, savePosition } from "../database/positions.js";
import { type Queryable, queryUnprepared } from "../database/query.js";
import { compareRows, isExact } from "./compare.js";
import { correctAndReport, type DriftRun, forEachCustomerBatch } from "./run.js";

const TASK = "check";

/** The last customer who was checked. */
interface Cursor {
  readonly organization_id: string;
  readonly after: string;
}

/** A part of the walk over everybody: an organization's customers after one and up to another, in key order. */
interface KeyRange {
  readonly organizationId: string;
  readonly after: string;
  readonly upTo: string | null;
  /** The last one in key order; after it the walk goes on at the beginning. */
  readonly endsRound: boolean;
}

/**
 * Compares every row with its recomputation and corrects what differs: once around in key order, from where the sweep
 * before stopped back to there. It ends earlier, at the next chunk, when the budget is spent or the process is stopping.
 * `complete` is set when the end of the key order was reached: then every row has been checked, in this sweep or in
 * those before that had stopped on the way.
 *
 * Rows are compared without locks. Only customers whose row differs are compared again under theirs.
 *
 * @param budgetMs at least one chunk is checked, so that sweeps without any time still come around
 */
export async function checkEverybody(run: DriftRun, budgetMs: number): Promise<void> {
  const { pool, clock, signal, report } = run;
  const place = await readPosition<Cursor>(pool, NIL_ORGANIZATION, TASK);
  const total = await countRows(pool);
  const until = performance.now() + budgetMs;
  let begun = false;
  for (const range of keyRanges(await organizationsWithRows(pool), place)) {
    for (let { after } = range; ; ) {
      if (signal.aborted || (begun && performance.now() >= until)) return;
      const customerIds = await customersInKeyOrder(
        pool,
        range.organizationId,
        after,
        CUSTOMERS_AT_ONCE,
        range.upTo,
      );
      const last = customerIds.at(-1);
      if (last === undefined) break;
      begun = true;
      await checkCustomers(run, range.organizationId, customerIds);
      after = last;
      await savePosition<Cursor>(
        pool,
        NIL_ORGANIZATION,
        TASK,
        { organization_id: range.organizationId, after },
        clock(),
      );
      await run.onChunk();
      run.onProgress({ step: "check", done: report.checked, total });
      if (customerIds.length < CUSTOMERS_AT_ONCE) break;
    }
    report.complete ||= range.endsRound;
  }
  report.complete = true;
  await clearPositions(pool, NIL_ORGANIZATION, TASK);
}

async function checkCustomers(
  run: DriftRun,
  organizationId: string,
  customerIds: readonly string[],
): Promise<void> {
  const { pool, clock, report } = run;
  const compared = await forEachCustomerBatch(run, organizationId, "check", customerIds, (ids) =>
    compareRows(pool, organizationId, ids, clock()),
  );
  const rows = compared.flat();
  report.checked += rows.length;
  const wrong = rows.filter((row) => !isExact(row)).map(({ customerId }) => customerId);
  await correctAndReport(run, organizationId, "check", wrong);
}

/** From `place` around to `place`; from the beginning to the end without one. */
function keyRanges(organizationIds: readonly string[], place: Partial<Cursor> | undefined): KeyRange[] {
  const whole = (organizationId: string) => ({ organizationId, after: "", upTo: null, endsRound: false });
  const { organization_id: at, after } = place ?? {};
  if (typeof at !== "string" || typeof after !== "string") return withEnd(organizationIds.map(whole));
  return [
    ...withEnd([
      { ...whole(at), after },
      ...organizationIds.filter((organizationId) => organizationId > at).map(whole),
    ]),
    ...organizationIds.filter((organizationId) => organizationId < at).map(whole),
    { ...whole(at), upTo: after },
  ];
}

function withEnd(parts: readonly KeyRange[]): KeyRange[] {
  return parts.map((part, index) => ({ ...part, endsRound: index === parts.length - 1 }));
}

// By primary keys. Beside the organizations there are, those that rows name: such rows should not exist. From each key
// to the next one, since reading them all to tell a few organizations would be reading the whole table.
const organizationsStatement = {
  name: "organizations_with_rows",
  text: `
    with recursive named as (
      (select organization_id from customer_analytics order by organization_id limit 1)
      union all
      select (select a.organization_id from customer_analytics a
        where a.organization_id > named.organization_id order by a.organization_id limit 1)
      from named where named.organization_id is not null
    )
    select id from organizations
    union
    select organization_id from named where organization_id is not null
    order by id`,
};

async function organizationsWithRows(on: Queryable): Promise<string[]> {
  const { rows } = await queryUnprepared<{ id: string }>(on, organizationsStatement);
  return rows.map((row) => row.id);
}

const countStatement = {
  name: "count_all_analytics_rows",
  text: "select count(*) as count from customer_analytics",
};

/** About how many customers there are to check. */
async function countRows(on: Queryable): Promise<number> {
  const { rows } = await queryUnprepared<{ count: bigint }>(on, countStatement);
  return Number(rows[0]?.count ?? 0n);
}
