import { Inbox } from "../../../src/inbox/inbox.js";
import { silentLog } from "../../../src/log.js";
import { expectedAnalytics, explainDifferences } from "../../oracle/index.js";
import { received } from "../../support/events.js";
import { readFacts, readRows } from "../../support/worlds.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { addSalon } from "../runner/salon.js";

const DAY_MS = 86_400_000;

/** Sets the clock back and forward between events, by milliseconds or by years. */
export function clockJumps({ customers }: { readonly customers: number }): Attack {
  return {
    name: "clock-jumps",
    describe:
      "The clock is set back and forward between events, by milliseconds and by years: every row that an event changes is exact at the clock's instant.",
    run: (context) => run(context, customers),
  };
}

async function run(context: AttackContext, customers: number): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const { database } = attacked;
  for (const round of context.rounds()) {
    const { organizationId, events } = await addSalon(attacked, `${context.seed}-${round}`, customers);
    let now = new Date();
    const inbox = new Inbox({ database, clock: () => now, log: silentLog });
    const known = new Map<unknown, string>();
    for (const event of random.shuffle([...events])) {
      const reach = random.pick([1, 1_000, 3_600_000, DAY_MS, 40 * DAY_MS, 400 * DAY_MS]);
      now = new Date(Date.now() + random.int(-reach, reach));
      tally.fault();
      tally.counts.sent += 1;
      await inbox.receive(received(event));
      tally.counts.acknowledged += 1;
      await compareTouched(context, database, organizationId, now, known);
      if (context.remaining() === 0 && round > 0) break;
    }
  }
}

/** Compares the rows that this event changed with the oracle's at the event's instant. */
async function compareTouched(
  { tally }: AttackContext,
  database: Parameters<typeof readFacts>[0],
  organizationId: string,
  now: Date,
  known: Map<unknown, string>,
): Promise<void> {
  const rows = await readRows(database, organizationId, "customer_analytics");
  const touched = rows.filter((row) => known.get(row.square_customer_id) !== JSON.stringify(row));
  for (const row of touched) known.set(row.square_customer_id, JSON.stringify(row));
  if (touched.length === 0) return;
  const expected = expectedAnalytics(await readFacts(database, organizationId), now);
  for (const row of touched) {
    const id = String(row.square_customer_id);
    const differences = explainDifferences(expected.get(id) ?? {}, row);
    tally.compared(
      1,
      differences.length > 0 ? 1 : 0,
      differences.map((line) => `at ${now.toISOString()} ${id}: ${line}`),
    );
  }
}
