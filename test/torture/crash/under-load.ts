import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "../../../src/database/database.js";
import type { WebhookEvent } from "../../oracle/index.js";
import type { AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows, openTransactions } from "../runner/checks.js";
import { type AttackSalon, addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import type { Tally } from "../runner/tally.js";
import { checkSnapshot } from "./snapshot.js";

/** The server or database that crashes. */
export interface Victim {
  /** The current address for events. */
  readonly url: () => string;
  /** The attack's own connection. It works again when `crash` has resolved. */
  readonly database: Database;
  /** Kills it without a chance to clean up, and starts it again without manual repair. */
  crash(): Promise<void>;
}

export interface Load {
  /** Customers of each salon. */
  readonly customers: number;
  /** Events of one round. */
  readonly events: number;
  /** The crash comes at most so many milliseconds after the first delivery of a round. */
  readonly withinMs: number;
}

/** How long sessions of a killed server may keep their locks. Postgres checks its clients every two seconds. */
const LOCKS_GONE_WITHIN_MS = 15_000;

/** A salon whose events are being delivered. */
interface Delivery {
  readonly salon: AttackSalon;
  readonly sender: Sender;
  readonly left: WebhookEvent[];
}

/** One crash in each round, in the middle of a salon's events. Unacknowledged events are delivered again. */
export async function crashUnderLoad(context: AttackContext, victim: Victim, load: Load): Promise<void> {
  const { tally, random } = context;
  let underLoad = 0;
  let current: Delivery | undefined;
  for (const round of context.rounds()) {
    current ??= await begin(context, victim, `${context.seed}-${round}`, load.customers);
    const { sender, left } = current;
    let delivered = false;
    const delivering = sender.deliver(left.splice(0, load.events)).finally(() => {
      delivered = true;
    });
    await wait(random.between(0, load.withinMs));
    if (!delivered) underLoad += 1;
    tally.fault();
    await victim.crash();
    tally.expect((await delivering) === 0, "events were never acknowledged, although everything runs again");
    await afterCrash(context, victim, current);
    if (left.length > 0) continue;
    await end(context, victim, current);
    current = undefined;
  }
  if (current) await end(context, victim, current);
  tally.figure("crashes in the middle of deliveries", underLoad);
}

async function begin(
  { tally }: AttackContext,
  { database, url }: Victim,
  seed: string,
  customers: number,
): Promise<Delivery> {
  const salon = await addSalon({ database }, seed, customers);
  return { salon, sender: new Sender({ url, tally, patience: 120_000 }), left: [...salon.events] };
}

async function afterCrash(
  { tally, random }: AttackContext,
  { database }: Victim,
  { salon, sender }: Delivery,
): Promise<void> {
  await checkNothingLost(database, sender.acknowledged.keys(), tally);
  await checkSnapshot(database, salon.organizationId, tally);
  tally.peak("ms until a killed server's locks were gone", await untilNoLocks(database, tally));
  const again = salon.events.filter(({ event_id }) => sender.acknowledged.has(event_id));
  if (again.length === 0) return;
  const answer = await sender.once(random.pick(again));
  const status = answer && JSON.parse(answer.text).status;
  tally.expect(status === "duplicate", `an acknowledged event that came again was answered ${status}`);
}

/** @returns milliseconds */
async function untilNoLocks({ pool }: Database, tally: Tally): Promise<number> {
  const started = performance.now();
  for (;;) {
    const { rows } = await pool.query<{ held: bigint }>(
      `select count(*) as held from pg_locks
       where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
    );
    const waited = performance.now() - started;
    const open = await openTransactions({ pool });
    if (rows[0]?.held === 0n && open === 0n) return waited;
    if (waited > LOCKS_GONE_WITHIN_MS) {
      tally.broken(`${rows[0]?.held} locks and ${open} transactions remain`);
      return waited;
    }
    await wait(20);
  }
}

/** Delivers the remaining events and compares everything again. */
async function end({ tally }: AttackContext, { database }: Victim, current: Delivery): Promise<void> {
  const { salon, sender, left } = current;
  tally.expect((await sender.deliver(left)) === 0, "events were never acknowledged");
  sender.close();
  await checkNothingLost(database, sender.acknowledged.keys(), tally);
  await checkRows(database, salon.organizationId, salon.events, new Date(), tally);
}
