import type { SalonEvent } from "./ledger.js";
import type { SquareEventJson } from "./objects.js";
import { Random } from "./random.js";

export interface DeliveryOptions {
  readonly seed: number | string;
  /** Returns the signature of a body, like `signBody` in src/square/signature.ts for a given key and URL. */
  readonly sign: (body: string) => string;
  /** Probability that an event is delivered a second time, a little later. The default is 0. */
  readonly duplicates?: number;
  /** Probability that an event is never delivered. The default is 0. */
  readonly drops?: number;
  /**
   * `none` (the default) keeps the order. `full` shuffles all events and holds them in memory. A number shuffles
   * within a window of this size and holds only the window.
   */
  readonly shuffle?: "none" | "full" | number;
}

export interface Delivery {
  readonly event: SquareEventJson;
  /** When Square first sends it. */
  readonly at: Date;
  /** The exact text that is signed and sent. */
  readonly body: string;
  readonly signature: string;
}

/** Counts of the deliveries. They are complete after the last delivery. */
export interface DeliveryTally {
  /** Deliveries, including second copies. */
  sent: number;
  dropped: number;
  duplicated: number;
  /** Deliveries by event type. */
  readonly byType: Record<string, number>;
}

/** A second copy follows at most this many events later when the order is kept. */
const DUPLICATE_DELAY = 50;

/**
 * Turns a stream of events into deliveries: signed, some twice, some never, and shuffled if asked for. The same
 * options over the same stream give the same deliveries.
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

/** Drops and duplicates events. A second copy follows after at most `DUPLICATE_DELAY` further events. */
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

/** Draws at random from a pool of `window` waiting copies. An infinite window is a full shuffle. */
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
