import { arrive } from "./clients.js";
import { openHouse } from "./house.js";
import { newMerchant } from "./house-record.js";
import { emptyTruth, type LedgerWatcher, type SalonEvent, type Truth } from "./ledger.js";
import { runActivity } from "./motion.js";
import type { LocationJson, TeamMemberJson } from "./objects.js";
import { defaultMix, defaultRates, type SalonOptions } from "./options.js";
import { Random } from "./random.js";
import { DAY, World } from "./world.js";

export type { LedgerWatcher, MergeRecord, SalonEvent, Truth } from "./ledger.js";
export { defaultMix, defaultRates, type Habit, type Rates, type SalonOptions } from "./options.js";

/**
 * A simulated salon. Consuming `events` advances its history. `truth` is always the state at the last consumed
 * event, so a fake API over it answers like Square at that moment.
 */
export interface Salon {
  readonly merchantId: string;
  readonly locations: readonly LocationJson[];
  readonly teamMembers: readonly TeamMemberJson[];
  readonly truth: Truth;
  /**
   * The events in time order, from the end of the last call up to `until` (exclusive; by default the salon's end).
   * For a second pass, open a second salon with the same seed.
   */
  events(until?: Date): Generator<SalonEvent, void, undefined>;
  /**
   * The events at `now`, after the salon's end: the planned steps that are due, and one more activity. The demo
   * calls it as long as it runs.
   */
  happening(now: Date): SalonEvent[];
  /** Calls the watcher for every change from now on. @returns a function that stops it */
  watch(watcher: LedgerWatcher): () => void;
}

/**
 * Opens a salon. The options decide its whole history: the same options give the same bytes on every day and machine.
 * @throws {RangeError} the end is before the start, the number of customers is negative, or locations or staff are
 *   out of range
 */
export function simulateSalon(options: SalonOptions): Salon {
  const start = options.start.getTime();
  const end = options.end.getTime();
  if (!(start < end)) throw new RangeError("the salon's end must lie after its start");
  if (!Number.isInteger(options.customers) || options.customers < 0) {
    throw new RangeError(`the number of customers must be a whole number, not ${options.customers}`);
  }
  const random = new Random(options.seed);
  const currency = options.currency ?? "USD";
  const alphabet = "ABCDEFGHJKLMNPQRSTVWXYZ0123456789";
  const id = options.merchantId ?? `ML${random.id(11, alphabet)}`;
  const main_location_id = `L${random.id(12, alphabet)}`;
  const rates = { ...defaultRates, ...options.rates };
  const world = new World(
    { start, random, rates, currency },
    emptyTruth(newMerchant({ id, main_location_id, currency }, start)),
  );
  openHouse(world, options.locations ?? 2, options.staff ?? 12);
  inviteClients(world, options, end);
  return salonOf(world, end);
}

/** Spreads the clients' first days over the history. The existing clients come in the first 60 days. */
function inviteClients(world: World, options: SalonOptions, end: number): void {
  const { random, now: start } = world;
  const until = Math.min(end, options.arrivalsUntil?.getTime() ?? end);
  const early = Math.min(until, start + 60 * DAY);
  const mix = options.mix ?? defaultMix;
  for (let count = 0; count < options.customers; count++) {
    const habit = random.weighted(mix);
    const last = random.chance(0.5) ? early : until;
    world.at(random.between(start, last), () => arrive(world, habit, end));
  }
}

function salonOf(world: World, end: number): Salon {
  const { truth } = world;
  const { outbox } = world.ledger;
  // Kept between calls, so that nothing is lost when the consumer stops in the middle of a step.
  let taken = 0;
  let activities = 0;
  function* events(until?: Date): Generator<SalonEvent, void, undefined> {
    const stop = Math.min(end, until?.getTime() ?? end);
    for (;;) {
      for (let next = outbox[taken]; next; next = outbox[taken]) {
        taken++;
        yield next;
      }
      outbox.length = 0;
      taken = 0;
      const step = world.agenda.takeBefore(stop);
      if (!step) return;
      world.now = step.at;
      step.item();
    }
  }
  return {
    merchantId: truth.merchant.id,
    get locations() {
      return [...truth.locations.values()];
    },
    get teamMembers() {
      return [...truth.teamMembers.values()];
    },
    truth,
    events,
    happening(now) {
      const until = now.getTime();
      for (let step = world.agenda.takeBefore(until); step; step = world.agenda.takeBefore(until)) {
        world.now = Math.max(world.now, step.at);
        step.item();
      }
      world.now = Math.max(world.now, until);
      runActivity(world, activities++);
      return outbox.splice(0);
    },
    watch(watcher) {
      world.ledger.watchers.add(watcher);
      return () => world.ledger.watchers.delete(watcher);
    },
  };
}
