import { customerNotes } from "./names.js";
import type { BookingJson, SegmentJson } from "./objects.js";
import { seconds } from "./wire-time.js";
import { type Client, reportedId, type Service, type World } from "./world.js";

/** Records a new booking, version 0. @returns its id */
export function openBooking(
  world: World,
  client: Client,
  how: {
    readonly startAt: number;
    readonly segments: readonly SegmentJson[];
    readonly online: boolean;
    readonly pending: boolean;
    readonly anonymous: boolean;
  },
): string {
  const { random, rates } = world;
  const id = world.bookingId();
  const customer_id = reportedId(world, client);
  const staff = how.segments[0]?.team_member_id ?? random.pick(client.place.staff);
  world.ledger.putBooking({
    id,
    version: 0,
    status: how.pending ? "PENDING" : "ACCEPTED",
    created_at: seconds(world.now),
    updated_at: seconds(world.now),
    start_at: seconds(how.startAt),
    location_id: client.place.id,
    ...(!how.anonymous && { customer_id }),
    ...firstNotes(world, rates.customerNote),
    appointment_segments: how.segments,
    transition_time_minutes: 0,
    all_day: false,
    location_type: "BUSINESS_LOCATION",
    creator_details: how.online
      ? { creator_type: "CUSTOMER", customer_id }
      : { creator_type: "TEAM_MEMBER", team_member_id: staff },
    source: how.online
      ? random.weighted({ FIRST_PARTY_BUYER: 9, THIRD_PARTY_BUYER: 1 })
      : random.weighted({ FIRST_PARTY_MERCHANT: 19, API: 1 }),
  });
  return id;
}

/** Square sends empty notes in some bookings without notes, and omits the fields in others. */
function firstNotes(world: World, rate: number): Pick<BookingJson, "customer_note" | "seller_note"> {
  if (world.random.chance(rate)) return { customer_note: world.random.pick(customerNotes), seller_note: "" };
  return world.random.chance(0.5) ? { customer_note: "", seller_note: "" } : {};
}

/** Chooses one to three services for a visit. The first is mostly the client's usual one. */
export function chooseSegments(world: World, client: Client): SegmentJson[] {
  const { random, rates } = world;
  if (random.chance(rates.noSegments)) return [];
  const segments = [segmentFor(world, client, client.favouriteService)];
  while (segments.length < 3 && random.chance(rates.extraSegment)) {
    segments.push(segmentFor(world, client, random.pick(world.services)));
  }
  return segments;
}

function segmentFor(world: World, client: Client, usual: Service): SegmentJson {
  const { random } = world;
  const service = random.chance(0.75) ? usual : random.pick(world.services);
  const any = random.chance(0.25) || !client.place.staff.includes(client.favouriteStaff);
  return {
    duration_minutes: service.minutes,
    service_variation_id: service.id,
    service_variation_version: service.version,
    team_member_id: any ? random.pick(client.place.staff) : client.favouriteStaff,
    any_team_member: any,
    intermission_minutes: random.chance(0.05) ? 15 : 0,
  };
}

/** Length of a visit in minutes, including pauses. */
export function minutesOf(segments: readonly SegmentJson[]): number {
  return segments.reduce((sum, segment) => sum + segment.duration_minutes + segment.intermission_minutes, 0);
}

/** Records a change of a booking: the next version, `updated_at` now. `start_at` in epoch milliseconds. */
export function reviseBooking(
  world: World,
  id: string,
  patch: Partial<Omit<BookingJson, "start_at">> & { readonly start_at?: number },
): void {
  const booking = world.truth.bookings.get(id);
  if (!booking) return;
  const { start_at, ...rest } = patch;
  world.ledger.putBooking({
    ...booking,
    ...rest,
    ...(start_at !== undefined && { start_at: seconds(start_at) }),
    version: booking.version + 1,
    updated_at: seconds(world.now),
  });
}
