import type { Handler } from "../../../handlers/handler.js";
import { handlerFor } from "../../../handlers/registry.js";
import type { Database } from "../../../src/database/database.js";
import { Inbox } from "../../../src/inbox/inbox.js";
import type { Outcome } from "../../../src/inbox/received-event.js";
import { silentLog } from "../../../src/log.js";
import type { Random } from "../../../src/simulator/random.js";
import type { WebhookEvent } from "../../oracle/index.js";
import { received } from "../../support/events.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkRows } from "../runner/checks.js";
import { addSalon, tellsOfMerge } from "../runner/salon.js";

const MOST_ATTEMPTS = 8;
/** Longer than all waits of an event together. */
const STEP_MS = 3 * 3_600_000;

interface Poison {
  /** How many times the event's handler throws before it succeeds. It may be infinite. */
  readonly throwsFor: number;
  asked: number;
}

/** The handlers of some events throw once, seven times or always. Other events are not affected. */
export function failingHandler({ customers }: { readonly customers: number }): Attack {
  return {
    name: "failing-handler",
    describe:
      "Handlers throw for one event in ten, a few times or always: the other events of its batch and its customer's later events are counted at once, it is retried when due and not before, and it counts as soon as its handler works.",
    run: (context) => run(context, customers),
  };
}

async function run(context: AttackContext, customers: number): Promise<void> {
  const { tally, random } = context;
  const { database, ...attacked } = await context.openDatabase();
  for (const round of context.rounds()) {
    const salon = await addSalon({ database, ...attacked }, `${context.seed}-${round}`, customers);
    const poisons = choosePoisons(salon.events, random);
    tally.fault(poisons.size);
    let now = new Date();
    const inbox = new Inbox({
      database,
      clock: () => now,
      log: silentLog,
      findHandler: (type) => poisoned(handlerFor(type), poisons),
    });
    const outcomes = await deliverAll(inbox, salon.events, context);
    checkOutcomes(context, salon.events, outcomes, poisons);
    const healthy = salon.events.filter(({ event_id }) => !poisons.has(event_id));
    await checkRows(database, salon.organizationId, healthy, now, tally);

    tally.expect((await inbox.retryDue(1_000)) === 0, "an event was tried again before it was due");
    for (let attempt = 2; attempt <= MOST_ATTEMPTS; attempt++) {
      now = new Date(now.getTime() + STEP_MS);
      while ((await inbox.retryDue(200)) > 0);
    }
    const mended = salon.events.filter(({ event_id }) => mends(poisons.get(event_id)));
    await checkRows(database, salon.organizationId, mended, now, tally);
    await checkDead(context, database, salon.organizationId, poisons);
  }
}

function choosePoisons(events: readonly WebhookEvent[], random: Random): Map<string, Poison> {
  const chosen = events.filter(
    (event) => handlerFor(event.type) && !tellsOfMerge(event) && random.chance(0.1),
  );
  return new Map(
    chosen.map(({ event_id }) => [
      event_id,
      {
        throwsFor: random.pick([1, 2, MOST_ATTEMPTS - 1, MOST_ATTEMPTS, Number.POSITIVE_INFINITY]),
        asked: 0,
      },
    ]),
  );
}

/** Whether the event is counted in the end. */
function mends(poison: Poison | undefined): boolean {
  return poison === undefined || poison.throwsFor < MOST_ATTEMPTS;
}

function poisoned(handler: Handler | undefined, poisons: ReadonlyMap<string, Poison>): Handler | undefined {
  return (
    handler && {
      ...handler,
      interpret: (event) => {
        const poison = poisons.get(event.event_id);
        if (poison && poison.asked++ < poison.throwsFor) throw new Error("poison");
        return handler.interpret(event);
      },
    }
  );
}

/** Delivers 500 events at a time, so that batches are large. */
async function deliverAll(
  inbox: Inbox,
  events: readonly WebhookEvent[],
  { tally }: AttackContext,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < events.length; at += 500) {
    const some = events.slice(at, at + 500);
    outcomes.push(...(await Promise.all(some.map((event) => inbox.receive(received(event))))));
  }
  tally.counts.sent += events.length;
  tally.counts.acknowledged += outcomes.length;
  return outcomes;
}

function checkOutcomes(
  { tally }: AttackContext,
  events: readonly WebhookEvent[],
  outcomes: readonly Outcome[],
  poisons: ReadonlyMap<string, Poison>,
): void {
  for (const [index, { event_id, type }] of events.entries()) {
    const isDeferred = outcomes[index] === "deferred";
    tally.expect(isDeferred === poisons.has(event_id), `${type} ${event_id} is ${outcomes[index]}`);
  }
}

async function checkDead(
  { tally }: AttackContext,
  { pool }: Database,
  organizationId: string,
  poisons: ReadonlyMap<string, Poison>,
): Promise<void> {
  const { rows } = await pool.query<{ event_id: string; status: Outcome; attempts: number }>(
    "select event_id, status, attempts from webhook_events where organization_id = $1 and event_id = any ($2)",
    [organizationId, [...poisons.keys()]],
  );
  for (const { event_id, status, attempts } of rows) {
    const poison = poisons.get(event_id);
    const isDead = status === "dead";
    tally.expect(
      isDead !== mends(poison),
      `${event_id}, which fails ${poison?.throwsFor} times, is ${status}`,
    );
    tally.expect(attempts <= MOST_ATTEMPTS, `${event_id} was tried ${attempts} times`);
    tally.expect(
      (poison?.asked ?? 0) <= MOST_ATTEMPTS,
      `the handler of ${event_id} was asked ${poison?.asked} times`,
    );
  }
}
