/** For tests of sweeps: a context without Square, damaged rows, and sweeps that stand still. */
import { columns } from "../../src/analytics/columns/catalogue.js";
import type { Database } from "../../src/database/database.js";
import { silentLog } from "../../src/log.js";
import type { SweepMode, SweepReport } from "../../src/sweep/report.js";
import { type SweepContext, type SweepOptions, sweep } from "../../src/sweep/sweep.js";
import { openInbox } from "./app.js";

export function contextAt(
  database: Database,
  clock: () => Date,
  rest: Partial<SweepContext> = {},
): SweepContext {
  return {
    database,
    clock,
    log: silentLog,
    inbox: openInbox(database, { clock }),
    openApi: () => {
      throw new Error("nothing in this test has a token");
    },
    ...rest,
  };
}

/** Runs a sweep. It fails if another sweep is running. */
export async function sweepAt(
  database: Database,
  now: Date,
  mode: SweepMode = "recent",
  options: SweepOptions = {},
): Promise<SweepReport> {
  return reportOf(
    await sweep(
      contextAt(database, () => now),
      mode,
      options,
    ),
  );
}

export function reportOf(answer: Awaited<ReturnType<typeof sweep>>): SweepReport {
  if ("skipped" in answer) throw new Error("another sweep was running");
  return answer;
}

/** The report of a sweep that finds nothing wrong. */
export const nothingWrong = {
  success: true,
  time_decayed: 0,
  drifted: 0,
  corrected: 0,
  drift: [],
  created: 0,
  deleted: 0,
  complete: true,
  errors: [],
};

/** For each column type an expression for another value. */
const otherValues: Readonly<Record<string, string>> = {
  text: "'wrong'",
  integer: "-77",
  smallint: "-7",
  bigint: "-7777",
  boolean: "not $",
  timestamptz: "coalesce($, 'epoch') + interval '7 minutes'",
  jsonb: `'[{"booking_id": "wrong"}]'`,
  "numeric(24,2)": "-7.77",
  "numeric(24,4)": "-0.7777",
};

/** SQL that damages a value column. */
export function damage(column: string): string {
  const type = columns.find(({ name }) => name === column)?.type ?? "timestamptz";
  return `${column} = ${otherValues[type]?.replaceAll("$", column)}`;
}

/** The rows by customer, with everything that a write changes. */
export async function tuples({ pool }: Database): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: string; tuple: string }>(
    `select organization_id || '/' || square_customer_id as id,
       concat_ws(' ', xmin, ctid, updated_at, computed_at) as tuple
     from customer_analytics order by 1`,
  );
  return new Map(rows.map(({ id, tuple }) => [id, tuple]));
}

/** Adds many customers who have only a profile. */
export async function addProfiles({ pool }: Database, organizationId: string, count: number): Promise<void> {
  await pool.query(
    `insert into customers (organization_id, square_customer_id, version, given_name, order_key)
     select $1, 'C' || lpad(n::text, 6, '0'), 1, 'Given ' || n, '\\x01' from generate_series(1, $2::integer) n`,
    [organizationId, count],
  );
}

/** A first step of a sweep. `begun` resolves when it has begun. It ends after `go()`. */
export function heldStep() {
  let begin = () => {};
  let go = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const allowed = new Promise<void>((resolve) => {
    go = resolve;
  });
  const retryDue = async () => {
    begin();
    await allowed;
    return 0;
  };
  return { retryDue, begun, go: () => go() };
}

/** A sweep that begins and then waits for `go()`. */
export function heldSweep(database: Database, now: Date) {
  const { retryDue, begun, go } = heldStep();
  const inbox = openInbox(database);
  const context = contextAt(database, () => now, {
    inbox: { receive: (event) => inbox.receive(event), retryDue },
  });
  return { sweeping: sweep(context, "recent"), begun, go };
}
