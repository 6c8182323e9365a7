import { setTimeout as wait } from "node:timers/promises";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import type { AttackDatabase } from "../runner/databases.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { HealthWatch } from "./health-watch.js";

/** More events than a server keeps waiting (2,000), and fewer than its connections (4,096). */
const AT_ONCE = 2_600;
/** The lock ends with the first refusal, and before a statement's time of eight seconds is over. */
const LOCKED_AT_MOST_MS = 6_000;

/** Delivers more events than can wait, while the table that every event needs is locked. */
export function overload(): Attack {
  return {
    name: "overload",
    describe:
      "2,600 deliveries at once while the table of events is locked: the queue takes what it can hold, the rest is answered 503 with Retry-After, /healthz answers, and afterwards every event is counted.",
    run,
  };
}

async function run(context: AttackContext): Promise<void> {
  const { tally } = context;
  const attacked = await context.openDatabase();
  const server = await context.startServer(attacked);
  for (const round of context.rounds()) {
    // One organization may fill half of the queue.
    const salons = [
      await addSalon(attacked, `${context.seed}-${round}-a`, 150),
      await addSalon(attacked, `${context.seed}-${round}-b`, 150),
    ];
    const events = salons.flatMap((salon) => salon.events.slice(0, AT_ONCE / 2));
    const sender = new Sender({
      url: () => server.url,
      tally,
      connections: AT_ONCE,
      patience: 0,
      timeout: 30_000,
    });
    const health = new HealthWatch(() => server.url, tally);
    const release = await lockEvents(attacked);
    tally.fault();
    const delivering = sender.deliver(events);
    const locked = performance.now();
    while (!sender.statuses[503] && performance.now() - locked < LOCKED_AT_MOST_MS) await wait(20);
    await release();
    await delivering;
    await health.stop();
    tally.peak("deliveries refused", sender.statuses[503] ?? 0);
    tally.expect((sender.statuses[503] ?? 0) > 0, "no delivery was refused");
    tally.expect((sender.statuses[0] ?? 0) === 0, `${sender.statuses[0]} deliveries had no answer`);
    tally.expect((sender.statuses[200] ?? 0) >= 2_000, `only ${sender.statuses[200]} deliveries were taken`);
    tally.peak("RSS MiB", (await server.memory()).rss / 2 ** 20);
    sender.close();

    const later = new Sender({ url: () => server.url, tally });
    const all = salons.flatMap((salon) => salon.events);
    tally.expect((await later.deliver(all)) === 0, "events were never acknowledged");
    later.close();
    const acknowledged = [...sender.acknowledged.keys(), ...later.acknowledged.keys()];
    await checkNothingLost(attacked.database, acknowledged, tally);
    for (const salon of salons) {
      await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    }
  }
}

async function lockEvents({ database }: AttackDatabase): Promise<() => Promise<void>> {
  const holder = await database.pool.connect();
  await holder.query("begin");
  await holder.query("lock table webhook_events in access exclusive mode");
  return async () => {
    await holder.query("rollback");
    holder.release();
  };
}
