import { setTimeout as wait } from "node:timers/promises";
import { checkSnapshot } from "../crash/snapshot.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNoLocksLeft, checkNothingLost, checkRows, checkStoredOnce } from "../runner/checks.js";
import type { AttackDatabase } from "../runner/databases.js";
import { HttpClient } from "../runner/http.js";
import { type AttackSalon, addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ADMIN_KEY, CRON_SECRET, type ServerProcess } from "../runner/server-process.js";

interface Options {
  readonly servers: number;
  readonly connections: number;
  readonly customers: number;
}

/** Many servers and connections and few customers, so that all wait for the same locks. */
export function hammer(options: Options): Attack {
  return {
    name: "hammer",
    describe:
      "Several servers on one database get bookings, payments, merges and refunds of a few customers over many connections at once, while sweeps and recomputations run: no deadlock is visible, no update is lost, and every row is right at every instant.",
    share: 2,
    run: (context) => run(context, options),
  };
}

async function run(context: AttackContext, { servers: count, connections, customers }: Options) {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const servers = await Promise.all(Array.from({ length: count }, () => context.startServer(attacked)));
  const client = new HttpClient();
  context.defer(() => client.close());
  for (const round of context.rounds()) {
    const salon = await addSalon(attacked, `${context.seed}-${round}`, customers);
    const url = () => random.pick(servers).url;
    const sender = new Sender({ url, tally, connections, patience: 90_000 });
    // A third of the events is delivered twice, often at the same time on two servers.
    const doubled = salon.events.filter(() => random.chance(0.33));
    const deliveries = random.shuffle([...salon.events, ...doubled]);
    const done = new AbortController();
    const others = [
      sweepAlong(context, client, servers, done.signal),
      recomputeAlong(context, client, servers, salon, done.signal),
      lookAlong(context, attacked, salon, done.signal),
    ];
    const never = await sender.deliver(deliveries);
    done.abort();
    await Promise.all(others);
    sender.close();
    tally.fault(doubled.length);
    tally.expect(never === 0, `${never} events were never acknowledged`);
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    const failed = [...sender.acknowledged.values()].filter((status) => /^(deferred|dead)$/.test(status));
    tally.expect(failed.length === 0, `${failed.length} events were not processed when they came`);
    await checkStoredOnce(attacked.database, tally);
    await countDeadlocks(attacked, tally);
    context.log(`round ${round + 1}: ${deliveries.length} deliveries, ${JSON.stringify(sender.statuses)}`);
  }
  await checkNoLocksLeft(attacked.database, tally);
}

async function countDeadlocks({ database }: AttackDatabase, tally: AttackContext["tally"]): Promise<void> {
  const { rows } = await database.pool.query<{ deadlocks: bigint }>(
    "select deadlocks from pg_stat_database where datname = current_database()",
  );
  tally.figure("deadlocks that Postgres saw", Number(rows[0]?.deadlocks ?? 0n));
}

/** Repeatedly starts two sweeps at once on two servers. One of them runs and finds nothing wrong. */
async function sweepAlong(
  { tally, random }: AttackContext,
  client: HttpClient,
  servers: readonly ServerProcess[],
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    const path = `/api/cron/refresh-customer-analytics?mode=${random.pick(["recent", "full"])}`;
    const headers = { authorization: `Bearer ${CRON_SECRET}` };
    const ask = () => client.send(random.pick(servers).url, { method: "POST", path, headers });
    const answers = await Promise.all([ask(), ask()]);
    for (const { status, text } of answers) {
      const report = status === 200 ? JSON.parse(text) : {};
      const isClean =
        report.success && (report.skipped || report.drifted + report.created + report.deleted === 0);
      tally.expect(isClean, `a sweep beside webhooks answered ${status}: ${text.slice(0, 400)}`);
      const name = report.skipped ? "sweeps that found another running" : "sweeps beside webhooks";
      tally.figure(name, Number(tally.figures[name] ?? 0) + 1);
    }
    await wait(50);
  }
}

async function recomputeAlong(
  { tally, random }: AttackContext,
  client: HttpClient,
  servers: readonly ServerProcess[],
  { organizationId, events }: AttackSalon,
  over: AbortSignal,
): Promise<void> {
  const ids = [...new Set(events.flatMap(({ data }) => data.object?.customer?.id ?? []))];
  while (!over.aborted && ids.length > 0) {
    const path = `/api/organizations/${organizationId}/customers/${random.pick(ids)}/recompute`;
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const { status, text } = await client.send(random.pick(servers).url, { method: "POST", path, headers });
    tally.expect(
      status === 200 || status === 404,
      `a recompute was answered ${status}: ${text.slice(0, 200)}`,
    );
    await wait(20);
  }
}

async function lookAlong(
  { tally }: AttackContext,
  { database }: AttackDatabase,
  { organizationId }: AttackSalon,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    await checkSnapshot(database, organizationId, tally);
    await wait(300);
  }
}
