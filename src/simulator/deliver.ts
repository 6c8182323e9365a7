import type { SalonEvent } from "./ledger.js";
import type { SquareEventJson } from "./objects.js";
import { Random } from "./random.js";

export interface DeliveryOptions {
  readonly seed: number | string;
  /** Returns the signature of a body, as `signBody` in src/square/signature.ts does with key and URL given. */
  readonly sign: (body: string) => string;
  /** Probability that an event is delivered a second time, somewhat later; default 0. */
  readonly duplicates?: number;
  /** Probability that an event is never delivered at all; default 0. */
  readonly drops?: number;
  /**
   * `none` (default) keeps the order; `full` mixes everything, holding it all in memory; a number mixes within
   * so many events and holds no more than those.
   */
  readonly shuffle?: "none" | "full" | number;
}

export interface Delivery {
  readonly event: SquareEventJson;
  /** When Square would first have sent it. */
  readonly at: Date;
  /** The exact text that is signed and sent. */
  readonly body: string;
  readonly signature: string;
}

/** Counts of what was delivered, complete once the deliveries are exhausted. */
export interface DeliveryTally {
  /** Deliveries, second copies included. */
  sent: number;
  dropped: number;
  duplicated: number;
  /** Deliveries by event type. */
  readonly byType: Record<string, number>;
}

/** How many events later at most a second copy follows when the order is kept. */
const DUPLICATE_DELAY = 50;

/**
 * Turns a stream of events into what reaches a webhook endpoint: signed, some twice, some never, in a more or
 * less mixed order. The same options over the same stream give the same deliveries.
 * @throws {RangeError} for rates outside 0 to 1 or a window below 1
 */
export function deliver(
  events: Iterable<SalonEvent>,
  options: DeliveryOptions,
): { readonly deliveries: Iterable<Delivery>; readonly tally: DeliveryTally } {
  const { seed, sign, duplicates = 0, drops = 0, shuffle = "none" } = options;
  for (const [name, rate] of Object.entries({ duplicates, drops })) {
    if (!(rate >= 0 && rate <= 1)) throw new RangeError(`${name} is a rate from 0 to 1, not ${rate}`);
  }
  if (typeof shuffle === "number" && !(Number.isInteger(shuffle) && shuffle >= 1)) {
    throw new RangeError(`the shuffle window is a number of events, at least 1, not ${shuffle}`);
  }
  const random = new Random(`deliveries of ${seed}`);
  const tally: DeliveryTally = { sent: 0, dropped: 0, duplicated: 0, byType: {} };
  const copies = copiesOf(events, { random, duplicates, drops, tally });
  const window = shuffle === "none" ? 0 : shuffle === "full" ? Number.POSITIVE_INFINITY : shuffle;
  return { deliveries: send(mixed(copies, window, random), sign, tally), tally };
}

/** Drops and doubles. A second copy comes out after up to `DUPLICATE_DELAY` further events. */
function* copiesOf(
  events: Iterable<SalonEvent>,
  { random, duplicates, drops, tally }: Losses,
): Generator<SalonEvent, void, undefined> {
  let later: { readonly item: SalonEvent; wait: number }[] = [];
  for (const item of events) {
    if (random.chance(drops)) {
      tally.dropped++;
      continue;
    }
    yield item;
    for (const copy of later) if (copy.wait-- === 0) yield copy.item;
    later = later.filter(({ wait }) => wait >= 0);
    if (random.chance(duplicates)) {
      tally.duplicated++;
      later.push({ item, wait: random.int(0, DUPLICATE_DELAY) });
    }
  }
  for (const { item } of later) yield item;
}

interface Losses {
  readonly random: Random;
  readonly duplicates: number;
  readonly drops: number;
  readonly tally: DeliveryTally;
}

/** Draws at random from a pool of `window` waiting copies; an endless window is a full shuffle. */
function* mixed(
  copies: Iterable<SalonEvent>,
  window: number,
  random: Random,
): Generator<SalonEvent, void, undefined> {
  const pool: SalonEvent[] = [];
  for (const copy of copies) {
    pool.push(copy);
    if (pool.length > window) yield draw(pool, random);
  }
  while (pool.length > 0) yield draw(pool, random);
}

function draw(pool: SalonEvent[], random: Random): SalonEvent {
  const index = random.int(0, pool.length - 1);
  const drawn = pool[index] as SalonEvent;
  const last = pool.pop() as SalonEvent;
  if (index < pool.length) pool[index] = last;
  return drawn;
}

function* send(
  copies: Iterable<SalonEvent>,
  sign: (body: string) => string,
  tally: DeliveryTally,
): Generator<Delivery, void, undefined> {
  for (const { at, event } of copies) {
    const body = JSON.stringify(event);
    tally.sent++;
    tally.byType[event.type] = (tally.byType[event.type] ?? 0) + 1;
    yield { event, at, body, signature: sign(body) };
  }
}
