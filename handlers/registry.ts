import { booking } from "./booking.js";
import { catalog } from "./catalog.js";
import { customer } from "./customer.js";
import type { Handler } from "./handler.js";
import { location } from "./location.js";
import { oauth } from "./oauth.js";
import { order } from "./order.js";
import { payment } from "./payment.js";
import { refund } from "./refund.js";
import { teamMember } from "./team-member.js";

const handlers = [booking, payment, refund, customer, teamMember, location, catalog, order, oauth];

const byEventType: ReadonlyMap<string, Handler> = new Map(
  handlers.flatMap((handler) => handler.eventTypes.map((eventType) => [eventType, handler] as const)),
);

/** Every event type that has a handler. Events of other types are stored and ignored. */
export const handledEventTypes: readonly string[] = [...byEventType.keys()];

/** @param eventType the top-level `type` of an event, never `data.type` */
export function handlerFor(eventType: string): Handler | undefined {
  return byEventType.get(eventType);
}
