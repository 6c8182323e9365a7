import { chooseSegments, minutesOf, openBooking, reviseBooking } from "./booking-record.js";
import type { BookingJson } from "./objects.js";
import { openSlot } from "./opening-hours.js";
import { sell } from "./payments.js";
import { mergeProfiles } from "./profiles.js";
import { refund } from "./refunds.js";
import { type Client, DAY, HOUR, type World } from "./world.js";

/** A client is overdue after this many average gaps since the last visit. */
const OVERDUE_AFTER = 1.5;

/** The activities run in this order, repeatedly. A demo shows each kind within two minutes. */
const activities: readonly ((world: World) => void)[] = [
  winBack,
  takeMoney,
  reschedule,
  takeMoney,
  missVisit,
  takeMoney,
  refundOne,
  loseRegular,
  bookVisit,
  mergeOne,
];

/**
 * Runs one activity at the world's present instant, independent of the agenda. It does nothing if no client or
 * booking is suitable.
 *
 * @param turn the number of activities before this one
 */
export function runActivity(world: World, turn: number): void {
  activities[turn % activities.length]?.(world);
}

function anybody(world: World): Client | undefined {
  const people = world.clients.filter(
    ({ active, customerId }) => active && world.truth.customers.get(customerId)?.given_name !== undefined,
  );
  return people.length === 0 ? undefined : world.random.pick(people);
}

function bookings(world: World, fits: (booking: BookingJson, start: number) => boolean): BookingJson[] {
  return [...world.truth.bookings.values()].filter(
    (booking) => booking.status === "ACCEPTED" && fits(booking, Date.parse(booking.start_at)),
  );
}

function bookVisit(world: World): void {
  const client = anybody(world);
  if (client) bookFor(world, client);
}

function bookFor(world: World, client: Client): void {
  const segments = chooseSegments(world, client);
  const startAt = openSlot(client.place, {
    instant: world.now + world.random.int(1, 21) * DAY,
    wished: client.favouriteMinute,
    minutes: minutesOf(segments),
    notBefore: world.now,
  });
  openBooking(world, client, { startAt, segments, online: client.online, pending: false, anonymous: false });
}

function takeMoney(world: World): void {
  const client = anybody(world);
  if (!client) return;
  const { place, favouriteService, favouriteStaff } = client;
  sell(world, {
    place,
    client,
    staffId: favouriteStaff,
    amount: favouriteService.price,
    product: "APPOINTMENTS",
  });
}

function reschedule(world: World): void {
  const open = bookings(world, (_, start) => start > world.now + HOUR);
  if (open.length === 0) return;
  const { id, start_at } = world.random.pick(open);
  reviseBooking(world, id, { start_at: Date.parse(start_at) + 7 * DAY });
}

function missVisit(world: World): void {
  const recent = bookings(world, (_, start) => start <= world.now && start > world.now - 3 * DAY);
  const missed = recent.at(-1);
  if (missed) reviseBooking(world, missed.id, { status: "NO_SHOW" });
}

/** Refunds a cash payment, because a cash refund is done at once. A card's refund is settled hours later. */
function refundOne(world: World): void {
  const paid = [...world.truth.payments.values()].filter(
    ({ id, status, source_type, total_money, customer_id }) =>
      status === "COMPLETED" &&
      source_type === "CASH" &&
      customer_id !== undefined &&
      total_money.amount > (world.refunded.get(id) ?? 0),
  );
  const payment = paid.at(-1);
  if (payment) refund(world, payment.id);
}

interface LateRegular {
  readonly customer: string;
  /** The upcoming bookings. */
  readonly booked: readonly BookingJson[];
}

/** The regulars who are late. */
function lateRegulars(world: World): LateRegular[] {
  const byCustomer = new Map<string, BookingJson[]>();
  for (const booking of bookings(world, () => true)) {
    if (booking.customer_id === undefined) continue;
    const all = byCustomer.get(booking.customer_id);
    if (all) all.push(booking);
    else byCustomer.set(booking.customer_id, [booking]);
  }
  return [...byCustomer].flatMap(([customer, all]) => {
    const visits = all.map(({ start_at }) => Date.parse(start_at)).filter((start) => start <= world.now);
    const [first, last] = [Math.min(...visits), Math.max(...visits)];
    const gap = (last - first) / (visits.length - 1);
    if (visits.length < 3 || world.now < last + OVERDUE_AFTER * gap) return [];
    return [{ customer, booked: all.filter(({ start_at }) => Date.parse(start_at) > world.now) }];
  });
}

/** A late regular without an upcoming visit books one. */
function winBack(world: World): void {
  const late = new Set(
    lateRegulars(world).flatMap(({ customer, booked }) => (booked.length === 0 ? customer : [])),
  );
  const client = world.clients.find(({ customerId }) => late.has(customerId));
  if (client) bookFor(world, client);
}

/** A late regular cancels the only upcoming visit. From now on the client is overdue. */
function loseRegular(world: World): void {
  const [booking] = lateRegulars(world).find(({ booked }) => booked.length === 1)?.booked ?? [];
  if (booking) reviseBooking(world, booking.id, { status: "CANCELLED_BY_CUSTOMER" });
}

function mergeOne(world: World): void {
  const client = anybody(world);
  if (client) mergeProfiles(world, client);
}
