import { bookingEvent, paymentEvent, uuidOf } from "../../support/events.js";
import { insert } from "../../support/worlds-insert.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost } from "../runner/checks.js";
import type { AttackDatabase } from "../runner/databases.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";

/** Square waits ten seconds for an answer. The limit is not lower because the attack keeps the machine busy. */
const ANSWERED_WITHIN_MS = 5_000;
const DAY_MS = 86_400_000;
const HUGE = "the huge one";

interface Options {
  readonly bookings: number;
  /** The huge customer's events in a round. The others have ten times as many. */
  readonly events: number;
}

/** One customer has a huge history. The others must not wait for it. */
export function hugeCustomer(options: Options): Attack {
  return {
    name: "huge-customer",
    describe: `A customer with ${options.bookings} bookings and as many payments gets events among those of others: all are answered in seconds, and the row is right.`,
    run: (context) => run(context, options),
  };
}

async function run(context: AttackContext, { bookings, events }: Options): Promise<void> {
  const { tally, random, seed } = context;
  const attacked = await context.openDatabase();
  const { merchantId, organizationId } = await addSalon(attacked, seed, 1);
  const server = await context.startServer(attacked);
  // The first event makes the server plan its statements over empty tables, as on a new installation.
  const first = bookingEvent({ id: "first" }, { merchant_id: merchantId, event_id: uuidOf(`${seed} first`) });
  const opening = newSender(server.url);
  tally.expect((await opening.deliver([first])) === 0, "the first event was never acknowledged");
  opening.close();
  await insertHistory(attacked, organizationId, bookings);
  const of = { huge: newSender(server.url), others: newSender(server.url) };
  function newSender(url: string) {
    return new Sender({ url: () => url, tally, connections: 16 });
  }
  let payments = bookings;
  for (const round of context.rounds()) {
    const envelope = (id: string) => ({
      merchant_id: merchantId,
      event_id: uuidOf(`${seed} ${round} ${id}`),
    });
    const huge = Array.from({ length: events }, (_, n) =>
      paymentEvent({ id: `huge ${round} ${n}`, customer_id: HUGE, cents: 100 }, envelope(`huge ${n}`)),
    );
    const others = Array.from({ length: events * 10 }, (_, n) =>
      bookingEvent({ id: `${round} ${n}`, customer_id: `${random.int(0, 200)}` }, envelope(`${n}`)),
    );
    tally.fault(events);
    payments += events;
    const never = await Promise.all([of.huge.deliver(huge), of.others.deliver(others)]);
    tally.expect(
      never.every((count) => count === 0),
      "events were never acknowledged",
    );
    await checkHugeRow(context, attacked, organizationId, { bookings, payments });
  }
  for (const [whose, sender] of Object.entries(of)) {
    sender.close();
    const sorted = sender.latencies.toSorted((one, other) => one - other);
    const slowest = sorted.at(-1) ?? 0;
    tally.figure(`${whose}: median ms`, sorted[Math.floor(sorted.length / 2)] ?? 0);
    tally.figure(`${whose}: slowest ms`, slowest);
    tally.expect(slowest < ANSWERED_WITHIN_MS, `an event of ${whose} took ${Math.round(slowest)} ms`);
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
  }
}

/** Compares the counts of the huge row. The other attacks compare every column of smaller rows. */
async function checkHugeRow(
  { tally }: AttackContext,
  { database }: AttackDatabase,
  organizationId: string,
  expected: { readonly bookings: number; readonly payments: number },
): Promise<void> {
  const { rows } = await database.pool.query(
    `select total_bookings::int as bookings, total_payments::int as payments
     from customer_analytics where organization_id = $1 and square_customer_id = $2`,
    [organizationId, HUGE],
  );
  const isRight = rows[0]?.bookings === expected.bookings && rows[0]?.payments === expected.payments;
  tally.compared(1, isRight ? 0 : 1, isRight ? [] : [`the huge row is ${JSON.stringify(rows[0])}`]);
}

/** Inserts a visit and a payment every few hours, over years. Every fourth payment is refunded. */
async function insertHistory(
  { database }: AttackDatabase,
  organizationId: string,
  count: number,
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const at = (number: number) => new Date(Date.now() - 100 * DAY_MS - number * 4 * 3_600_000).toISOString();
  const customer_id = HUGE;
  await insert(
    database,
    organizationId,
    "bookings",
    numbers.map((n) => ({ booking_id: `old ${n}`, customer_id, start_at: at(n), created_at: at(n + 20) })),
  );
  await insert(
    database,
    organizationId,
    "booking_segments",
    numbers.map((n) => ({
      booking_id: `old ${n}`,
      team_member_id: `${n % 9}`,
      service_variation_id: `${n % 30}`,
    })),
  );
  await insert(
    database,
    organizationId,
    "payments",
    numbers.map((n) => ({ payment_id: `old ${n}`, customer_id, created_at: at(n) })),
  );
  const refunded = numbers.filter((n) => n % 4 === 0);
  await insert(
    database,
    organizationId,
    "refunds",
    refunded.map((n) => ({ refund_id: `old ${n}`, payment_id: `old ${n}`, created_at: at(n) })),
  );
}
