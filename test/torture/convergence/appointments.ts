/** Commands about bookings: make, move, answer, miss, cancel, annotate and reassign them. */
import fc from "fast-check";
import type { BookingJson, BookingStatus, SegmentJson } from "../../../src/simulator/objects.js";
import { seconds } from "../../../src/simulator/wire-time.js";
import { command, nth, oneOf } from "./command.js";
import { DAY, HOUR, places } from "./salon.js";
import type { StoryWorld } from "./world.js";

/** The number of a person. Null: nobody. */
const who = fc.option(fc.nat(6), { nil: null, freq: 6 });

/**
 * Days from the time of the command. With parts of a day a booking may be on different days in the two time zones.
 */
const distance = oneOf(1, 0.1, 3.2, 7, 30, -0.5);

export const book = command(
  {
    who,
    place: oneOf(...places),
    days: distance,
    status: oneOf<BookingStatus>("ACCEPTED", "ACCEPTED", "PENDING"),
    segments: oneOf<readonly string[]>(["t1"], ["t1", "t2"], ["t2"], []),
    online: fc.boolean(),
  },
  (world, { who, place, days, status, segments, online }) => {
    const id = `b${world.truth.bookings.size + 1}`;
    const person = who === null ? undefined : world.person(who);
    const time = seconds(world.now);
    world.ledger.putBooking({
      id,
      version: 0,
      status,
      created_at: time,
      updated_at: time,
      start_at: seconds(world.now + days * DAY),
      location_id: place,
      ...(person !== undefined && { customer_id: person }),
      appointment_segments: segments.map(segmentOf),
      transition_time_minutes: 0,
      all_day: false,
      location_type: "BUSINESS_LOCATION",
      creator_details: { creator_type: online ? "CUSTOMER" : "TEAM_MEMBER" },
      source: online ? "FIRST_PARTY_BUYER" : "FIRST_PARTY_MERCHANT",
    });
    const pending = status === "PENDING" ? ", pending" : "";
    const performers = segments.join(" and ") || "no one";
    return `book ${id} for ${person ?? "nobody"} at ${place} ${distanceText(days)} with ${performers}${pending}`;
  },
);

function segmentOf(team_member_id: string, index: number): SegmentJson {
  return {
    duration_minutes: 45 + 15 * index,
    service_variation_id: team_member_id === "t1" ? "cut" : "color",
    service_variation_version: 1,
    team_member_id,
    any_team_member: false,
    intermission_minutes: 0,
  };
}

function distanceText(days: number): string {
  return days < 0 ? `${-days} days ago` : `in ${days} days`;
}

function revise(world: StoryWorld, standing: BookingJson, change: Partial<BookingJson>): void {
  const next = { version: standing.version + 1, updated_at: seconds(world.now) };
  world.ledger.putBooking({ ...standing, ...change, ...next });
}

const reschedule = command({ nth, days: distance }, (world, { nth, days }) => {
  const booking = world.nth(world.truth.bookings, nth);
  if (!booking) return undefined;
  revise(world, booking, { start_at: seconds(world.now + days * DAY) });
  return `${booking.id} is moved to ${distanceText(days)}`;
});

const statuses = ["ACCEPTED", "NO_SHOW", "CANCELLED_BY_CUSTOMER", "CANCELLED_BY_SELLER", "DECLINED"] as const;

const settle = command({ nth, status: oneOf(...statuses) }, (world, { nth, status }) => {
  const booking = world.nth(world.truth.bookings, nth);
  if (!booking) return undefined;
  revise(world, booking, { status });
  return `${booking.id} becomes ${status}`;
});

const reassign = command({ nth, who }, (world, { nth, who }) => {
  const booking = world.nth(world.truth.bookings, nth);
  if (!booking) return undefined;
  const { customer_id: _former, ...rest } = booking;
  const person = who === null ? undefined : world.person(who);
  revise(world, rest, person === undefined ? {} : { customer_id: person });
  return `${booking.id} is handed to ${person ?? "nobody"}`;
});

const annotate = command(
  { nth, note: oneOf("", "likes tea"), own: fc.boolean() },
  (world, { nth, note, own }) => {
    const booking = world.nth(world.truth.bookings, nth);
    if (!booking) return undefined;
    revise(world, booking, own ? { customer_note: note } : { seller_note: note });
    return `the ${own ? "customer's" : "salon's"} note on ${booking.id} becomes "${note}"`;
  },
);

export const passTime = command({ hours: oneOf(1, 20, 24, 72, 200) }, (world, { hours }) =>
  world.wait(hours * HOUR) ? `${hours} hours pass` : undefined,
);

export const bookingCommands = [
  { weight: 8, arbitrary: book.arbitrary },
  { weight: 3, arbitrary: reschedule.arbitrary },
  { weight: 4, arbitrary: settle.arbitrary },
  { weight: 3, arbitrary: reassign.arbitrary },
  { weight: 2, arbitrary: annotate.arbitrary },
  { weight: 3, arbitrary: passTime.arbitrary },
];
