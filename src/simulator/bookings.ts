import { minutesOf, openBooking, reviseBooking } from "./booking-record.js";
import { localTime } from "./local-time.js";
import { customerNotes, sellerNotes } from "./names.js";
import type { BookingStatus, SegmentJson } from "./objects.js";
import { openSlot } from "./opening-hours.js";
import { sell } from "./payments.js";
import { type Appointment, type Client, DAY, HOUR, MINUTE, type Outcome, type World } from "./world.js";

/** The life of a booking: made, changed, ended. */

export interface BookingWish {
  /** Milliseconds since the epoch. It is slightly in the past for a walk-in. */
  readonly startAt: number;
  readonly segments: readonly SegmentJson[];
  /** Whether the client books. Otherwise the salon does. */
  readonly online: boolean;
  /** Called once with the booking's outcome for this client. */
  readonly ended: (outcome: Outcome) => void;
}

/**
 * Books a visit at the world's present instant.
 * @param client the client who comes; a few bookings are made without the customer
 */
export function book(world: World, client: Client, { startAt, segments, online, ended }: BookingWish): void {
  const { random, rates } = world;
  const pending = online && random.chance(rates.pendingApproval);
  const anonymous = !online && random.chance(rates.anonymousBooking);
  const bookingId = openBooking(world, client, { startAt, segments, online, pending, anonymous });
  const appointment: Appointment = { bookingId, place: client.place, client, ended };
  world.appointments.add(appointment);
  if (anonymous && random.chance(0.7)) {
    world.after(random.between(MINUTE, DAY), () => {
      reviseBooking(world, bookingId, { customer_id: client.customerId });
    });
  }
  if (pending) awaitAnswer(world, appointment);
  else plan(world, appointment);
  if (random.chance(rates.sellerNote)) annotate(world, bookingId, startAt);
}

function lengthOf(world: World, bookingId: string): number {
  return minutesOf(world.truth.bookings.get(bookingId)?.appointment_segments ?? []);
}

function startOf(world: World, bookingId: string): number {
  return Date.parse(world.truth.bookings.get(bookingId)?.start_at ?? "");
}

function statusOf(world: World, bookingId: string): BookingStatus | undefined {
  return world.truth.bookings.get(bookingId)?.status;
}

function awaitAnswer(world: World, appointment: Appointment): void {
  const { random, rates } = world;
  const start = startOf(world, appointment.bookingId);
  if (random.chance(rates.unanswered)) {
    world.at(start + DAY, () => finish(world, appointment, "declined"));
    return;
  }
  const delay = Math.min(random.wait(3 * HOUR) + 2 * MINUTE, Math.max(0, start - world.now) * 0.9);
  world.after(delay, () => {
    if (random.chance(rates.declined)) {
      close(world, appointment, "DECLINED");
    } else {
      reviseBooking(world, appointment.bookingId, { status: "ACCEPTED" });
      plan(world, appointment);
    }
  });
}

type Change = "reschedule" | "reassign" | "CANCELLED_BY_CUSTOMER" | "CANCELLED_BY_SELLER" | "none";

/** Plans the next step of an accepted booking: a change or the visit. */
function plan(world: World, appointment: Appointment): void {
  const { random, rates } = world;
  const { bookingId } = appointment;
  const start = startOf(world, bookingId);
  const left = start - world.now;
  const wavering = appointment.client?.habit === "wavering";
  const change: Change =
    left < 30 * MINUTE
      ? "none"
      : random.weighted<Change>({
          reschedule: rates.reschedule,
          reassign: rates.reassign,
          CANCELLED_BY_CUSTOMER: wavering ? 2 : rates.cancelByCustomer,
          CANCELLED_BY_SELLER: rates.cancelBySeller,
          none: wavering
            ? 0
            : Math.max(0, 1 - rates.reschedule - rates.cancelByCustomer - rates.cancelBySeller),
        });
  if (change === "none") {
    world.at(start + lengthOf(world, bookingId) * MINUTE + random.int(-5, 12) * MINUTE, () => {
      if (statusOf(world, bookingId) === "ACCEPTED" && startOf(world, bookingId) === start) {
        visit(world, appointment);
      }
    });
    return;
  }
  const late = left <= DAY || random.chance(rates.lateCancel);
  const moment = late
    ? start - random.between(0.02, 1) * Math.min(left, DAY)
    : random.between(world.now, start - DAY);
  world.at(moment, () => apply(world, appointment, change));
}

function apply(world: World, appointment: Appointment, change: Exclude<Change, "none">): void {
  if (statusOf(world, appointment.bookingId) !== "ACCEPTED") return;
  if (change === "reschedule") {
    reschedule(world, appointment);
  } else if (change === "reassign") {
    reassign(world, appointment);
  } else {
    close(world, appointment, change);
  }
}

function reschedule(world: World, appointment: Appointment): void {
  const { random } = world;
  const { bookingId, place } = appointment;
  const start = startOf(world, bookingId);
  const days = random.chance(0.3) ? 0 : random.pick([-3, -1, 1, 1, 2, 3, 7, 7, 14]);
  const moved = openSlot(place, {
    instant: Math.max(world.now, start + days * DAY),
    wished: localTime(place.timeZone, start).minute + random.int(-12, 12) * 15,
    minutes: lengthOf(world, bookingId),
    notBefore: world.now,
  });
  reviseBooking(world, bookingId, { start_at: moved });
  plan(world, appointment);
}

/** Moves the booking to another client. */
function reassign(world: World, appointment: Appointment): void {
  const other = world.random.pick(world.clients);
  if (other !== appointment.client && world.truth.customers.has(other.customerId)) {
    const { ended } = appointment;
    reviseBooking(world, appointment.bookingId, { customer_id: other.customerId });
    appointment.client = other;
    appointment.ended = () => {};
    ended("handed over");
  }
  plan(world, appointment);
}

/** Ends a booking at its start: a visit or a no-show. */
function visit(world: World, appointment: Appointment): void {
  const { random, rates } = world;
  const { bookingId, place, client } = appointment;
  if (random.chance(rates.noShow)) {
    // Some salons cancel a missed visit after its start instead of marking it as a no-show.
    close(world, appointment, random.chance(0.12) ? "CANCELLED_BY_SELLER" : "NO_SHOW");
    return;
  }
  if (random.chance(rates.sellerNote / 4)) annotate(world, bookingId, world.now);
  const booking = world.truth.bookings.get(bookingId);
  if (booking && !random.chance(rates.unpaidVisit)) {
    const prices = booking.appointment_segments.map((s) => world.service(s.service_variation_id)?.price ?? 0);
    const list = prices.reduce((sum, price) => sum + price, 0);
    const retail = random.chance(0.08) ? random.int(8, 45) * 100 : 0;
    const discount = random.chance(0.1) ? 0.8 : 1;
    const amount = random.chance(rates.freeVisit) ? 0 : Math.round(list * discount) + retail;
    const staffId = booking.appointment_segments[0]?.team_member_id ?? place.staff[0] ?? "";
    sell(world, { place, client, staffId, amount, product: "APPOINTMENTS" });
  }
  finish(world, appointment, "visited");
}

const outcomes: Partial<Record<BookingStatus, Outcome>> = { DECLINED: "declined", NO_SHOW: "missed" };

/** Ends a booking without a visit. A few are set back to ACCEPTED afterwards. */
function close(world: World, appointment: Appointment, status: BookingStatus): void {
  const { random, rates } = world;
  const { bookingId } = appointment;
  reviseBooking(world, bookingId, { status });
  finish(world, appointment, outcomes[status] ?? "cancelled");
  if (!random.chance(rates.reopened)) return;
  world.after(random.between(MINUTE, DAY), () => {
    reviseBooking(world, bookingId, { status: "ACCEPTED" });
    if (startOf(world, bookingId) > world.now) plan(world, { ...appointment, ended: () => {} });
  });
}

function finish(world: World, appointment: Appointment, outcome: Outcome): void {
  world.appointments.delete(appointment);
  appointment.ended(outcome);
}

/** Writes, changes or empties a note around the time of the visit. */
function annotate(world: World, bookingId: string, startAt: number): void {
  const { random } = world;
  world.at(random.between(world.now, Math.max(world.now, startAt) + 2 * DAY), () => {
    const note = random.chance(0.2) ? "" : random.pick(sellerNotes);
    const own = random.chance(0.2);
    const patch = own ? { customer_note: note && random.pick(customerNotes) } : { seller_note: note };
    reviseBooking(world, bookingId, patch);
  });
}
