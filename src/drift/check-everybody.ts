import { CUSTOMERS_AT_ONCE, customersInKeyOrder } from "../analytics/refresh.js";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { clearPositions, readPosition, savePosition } from "../database/positions.js";
import { type Queryable, queryUnprepared } from "../database/query.js";
import { compareRows, isExact } from "./compare.js";
import { correctAndReport, type DriftRun, forEachCustomerBatch } from "./run.js";

const TASK = "check";

/** The last checked customer. */
interface Cursor {
  readonly organization_id: string;
  readonly after: string;
}

/** A part of the walk over all customers: those of one organization after one key and up to another. */
interface KeyRange {
  readonly organizationId: string;
  readonly after: string;
  readonly upTo: string | null;
  /** This range ends the key order. The walk continues at the beginning. */
  readonly endsRound: boolean;
}

/**
 * Compares every row with its recomputation and corrects rows that differ. The walk goes once around in key order,
 * from the stored cursor back to it. It ends earlier, after a chunk, when the budget is spent or the process stops.
 *
 * `complete` is set when the walk reaches the end of the key order. Then every row was checked, in this sweep or in
 * the interrupted ones before it.
 *
 * Rows are compared without locks. Only customers whose row differs are locked and compared again.
 *
 * @param budgetMs time limit; at least one chunk is checked, so sweeps without time left also make progress
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

/** The ranges from `place` around to `place`. Without `place` they go from the beginning to the end. */
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

// All organizations, and organizations that exist only in rows, which are wrong. Index: primary key of
// customer_analytics. The recursion jumps from one organization to the next and does not read the whole table.
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

/** The number of rows, which is about the number of customers to check. */
async function countRows(on: Queryable): Promise<number> {
  const { rows } = await queryUnprepared<{ count: bigint }>(on, countStatement);
  return Number(rows[0]?.count ?? 0n);
}
