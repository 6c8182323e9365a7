import { chooseSegments, minutesOf } from "./booking-record.js";
import { type BookingWish, book } from "./bookings.js";
import { instantOf, localTime } from "./local-time.js";
import { isOpen, nextBetween, openSlot } from "./opening-hours.js";
import type { Habit } from "./options.js";
import { sell } from "./payments.js";
import { createProfile, liveWithProfile } from "./profiles.js";
import { type Client, DAY, HOUR, MINUTE, type Outcome, type Place, type World } from "./world.js";

interface Rhythm {
  readonly gapDays: number;
  /** Probability of booking the next visit when leaving. */
  readonly prebook: number;
  /** Probability, after each visit, of never coming back. */
  readonly dropOut: number;
  /** Mean days between booking and visit when not prebooked. */
  readonly leadDays: number;
}

const rhythms: Record<Habit, Rhythm> = {
  weekly: { gapDays: 7, prebook: 0.7, dropOut: 0.012, leadDays: 2 },
  biweekly: { gapDays: 14, prebook: 0.6, dropOut: 0.025, leadDays: 4 },
  monthly: { gapDays: 28, prebook: 0.45, dropOut: 0.04, leadDays: 6 },
  bimonthly: { gapDays: 55, prebook: 0.3, dropOut: 0.07, leadDays: 8 },
  occasional: { gapDays: 120, prebook: 0.1, dropOut: 0.15, leadDays: 7 },
  once: { gapDays: 30, prebook: 0, dropOut: 1, leadDays: 4 },
  wavering: { gapDays: 40, prebook: 0, dropOut: 0.6, leadDays: 10 },
  retail: { gapDays: 80, prebook: 0, dropOut: 0.1, leadDays: 0 },
  profile: { gapDays: Number.POSITIVE_INFINITY, prebook: 0, dropOut: 1, leadDays: 0 },
};

/** Adds a client now: a profile, and a first booking or purchase according to the habit. */
export function arrive(world: World, habit: Habit, end: number): void {
  const { random } = world;
  const rhythm = rhythms[habit];
  const place = random.pick(world.places);
  const online = random.chance(0.55);
  const channel = habit === "retail" ? "till" : online ? "online" : "desk";
  const client: Client = {
    customerId: createProfile(world, channel),
    formerId: null,
    active: true,
    habit,
    ...rhythm,
    gapDays: rhythm.gapDays * random.between(0.75, 1.3),
    online,
    place,
    favouriteStaff: random.pick(place.staff),
    favouriteService: random.pick(world.services),
    favouriteMinute: favouriteMinute(world),
  };
  world.clients.push(client);
  liveWithProfile(world, client, end);
  if (habit === "retail") buy(world, client);
  else if (habit !== "profile") seek(world, client);
}

/** The favourite time of day. Working people come after 17:00, others at any time. */
function favouriteMinute({ random }: World): number {
  return random.chance(0.4) ? random.int(17 * 60, 19 * 60) : random.int(9 * 60, 16 * 60);
}

/** The client books a visit with the usual lead time, or walks in. */
function seek(world: World, client: Client): void {
  if (!client.active) return;
  const { random, rates } = world;
  const { timeZone, hours } = client.place;
  if (random.chance(rates.walkIn)) {
    const segments = chooseSegments(world, client);
    const { date, minute } = localTime(timeZone, world.now);
    const startAt = instantOf(timeZone, date, minute - (minute % 15));
    if (isOpen(hours, timeZone, startAt, minutesOf(segments))) {
      bookAt(world, client, { startAt, segments, online: false });
      return;
    }
  }
  bookAround(world, client, world.now + random.wait(client.leadDays) * DAY);
}

/** Books the opening that suits the client best on or after the local day of an instant. */
function bookAround(world: World, client: Client, instant: number): void {
  const { random } = world;
  const segments = chooseSegments(world, client);
  const startAt = openSlot(client.place, {
    instant,
    wished: client.favouriteMinute + random.int(-6, 6) * 15,
    minutes: minutesOf(segments),
    notBefore: world.now + 20 * MINUTE,
  });
  bookAt(world, client, { startAt, segments, online: random.chance(client.online ? 0.85 : 0.1) });
}

function bookAt(world: World, client: Client, wish: Omit<BookingWish, "ended">): void {
  book(world, client, { ...wish, ended: (outcome) => goOn(world, client, outcome) });
}

/** Plans what a client does after a booking has ended. */
function goOn(world: World, client: Client, outcome: Outcome): void {
  const { random } = world;
  if (outcome === "visited") {
    if (random.chance(client.dropOut)) {
      client.active = false;
      return;
    }
    const next = world.now + client.gapDays * random.between(0.8, 1.25) * DAY;
    if (random.chance(client.prebook)) {
      world.after(random.between(1, 15) * MINUTE, () => {
        if (client.active) bookAround(world, client, next);
      });
    } else {
      seekLater(world, client, next - client.leadDays * DAY);
    }
    return;
  }
  if (random.chance(client.dropOut / 2)) client.active = false;
  else if (outcome !== "handed over") seekLater(world, client, world.now + random.wait(6) * DAY + HOUR);
  else seekLater(world, client, world.now + client.gapDays * DAY);
}

/** Chooses when a client books: online from early to late, at the desk during opening hours. */
function seekLater(world: World, client: Client, instant: number): void {
  const { random } = world;
  const awake = client.online ? ([7 * 60, 23 * 60] as const) : ([9 * 60, 19 * 60] as const);
  const wanted = Math.max(instant, world.now + HOUR) + random.between(0, 16) * HOUR;
  const moment = nextBetween(client.place.timeZone, wanted, awake);
  world.at(moment + random.between(0, 45) * MINUTE, () => seek(world, client));
}

/** Sells a product without a booking, and plans the next purchase. */
function buy(world: World, client: Client): void {
  if (!client.active) return;
  const { random } = world;
  retailSale(world, client.place, client);
  if (random.chance(client.dropOut)) return;
  const wanted = world.now + random.wait(client.gapDays) * DAY + HOUR;
  const moment = nextBetween(client.place.timeZone, wanted, [9 * 60, 19 * 60]);
  world.at(moment + random.between(0, 40) * MINUTE, () => buy(world, client));
}

/** Sells a product at the till. @param client null for an unknown person */
export function retailSale(world: World, place: Place, client: Client | null): void {
  const { random } = world;
  const product = client && random.chance(0.2) ? "ONLINE_STORE" : "SQUARE_POS";
  const staffId = random.pick(place.staff);
  sell(world, { place, client, staffId, amount: random.int(8, 90) * 100 - 1, product });
}
