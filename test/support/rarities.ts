/**
 * What real sellers' objects have and those of the simulated salon do not: several visits on one day, nobody in particular
 * as technician, notes of white space, gift cards. All of it follows from the object's id, so every copy agrees. And what
 * events about profiles leave out. That follows from the event's id, so every delivery of it agrees.
 */
import { createHash } from "node:crypto";
import type { AnyJson } from "./any-json.js";

/**
 * What an event about a profile leaves out: its version, as older API versions do, or of a deletion the whole profile.
 */
export type LeftOut = "version" | "profile" | undefined;

/** Square's JSON, changed where a field is present. */
type Json = Record<string, AnyJson>;

const DAY = 86_400_000;

interface ProfileEvent {
  readonly type: string;
  readonly event_id: string;
  readonly data: object;
}

/** A third of the events about profiles leave something out. */
export function withGaps<Event extends ProfileEvent>(event: Event): Event {
  if (!oneIn(3, `gap ${event.event_id}`)) return event;
  return leavingOut(event, oneIn(3, `bare ${event.event_id}`) ? "profile" : "version");
}

export function leavingOut<Event extends Omit<ProfileEvent, "event_id">>(event: Event, left: LeftOut): Event {
  const { object } = event.data as { object?: Json };
  if (left === undefined || !object?.customer) return event;
  const { customer, ...rest } = object;
  const { version: _, ...unversioned } = customer;
  const isBare = left === "profile" && event.type === "customer.deleted";
  const told = isBare ? rest : { ...rest, customer: unversioned };
  return { ...event, data: { ...event.data, object: told } };
}

/** The event with a rarer booking or payment, or unchanged. */
export function withRarities<Event extends { readonly data: object }>(event: Event): Event {
  const copy = structuredClone(event) as Event & { data: { object?: Json } };
  const { booking, payment } = copy.data.object ?? {};
  if (payment?.card_details?.card && oneIn(3, payment.id)) {
    payment.card_details.card.card_brand = "SQUARE_GIFT_CARD";
  }
  if (booking) rarify(booking);
  return copy;
}

function rarify(booking: Json): void {
  if (oneIn(4, `note ${booking.id}`)) booking.customer_note = " \t\u00a0\u3000\n";
  if (oneIn(4, `seller ${booking.id}`)) booking.seller_note = "  ";
  // Four days become one.
  if (oneIn(2, `day ${booking.id}`)) {
    const start = Date.parse(booking.start_at);
    booking.start_at = new Date(start - (Math.floor(start / DAY) % 4) * DAY).toISOString();
  }
  for (const segment of booking.appointment_segments ?? []) {
    if (oneIn(4, `${segment.team_member_id} ${booking.id}`)) segment.team_member_id = "anyTeamMember";
  }
}

function oneIn(many: number, text: string): boolean {
  return (createHash("sha256").update(text).digest()[0] as number) % many === 0;
}
