/**
 * Rare things that the simulated salon does not have: several visits on one day, `anyTeamMember` as technician, notes
 * of white space, gift cards. They follow from the object's id, so every copy has them. Events about profiles also
 * leave something out. That follows from the event's id, so every delivery of it is the same.
 */
import { createHash } from "node:crypto";
import type { AnyJson } from "./any-json.js";

/**
 * What an event about a profile leaves out: the version, as in older API versions, or in a deletion the whole
 * profile.
 */
export type LeftOut = "version" | "profile" | undefined;

/** Square's JSON. Only fields that are present are changed. */
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
  // The visits of four days move to one day.
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
