import type {
  BookingJson,
  CatalogItemJson,
  CustomerJson,
  EventType,
  LocationJson,
  MerchantJson,
  MergeContext,
  OrderJson,
  PaymentJson,
  RefundJson,
  SquareEventJson,
  TeamMemberJson,
} from "./objects.js";
import type { Random } from "./random.js";
import { milliseconds, nanoseconds, seconds } from "./wire-time.js";

export interface SalonEvent {
  /** When Square sends it. It never decreases along the stream. */
  readonly at: Date;
  readonly event: SquareEventJson;
}

export interface MergeRecord {
  readonly from_customer_id: string;
  readonly to_customer_id: string;
  readonly merged_at: string;
  /** Version of the source's deletion. */
  readonly source_version: number;
  /** Version of the source's recovery, once the merge was undone. */
  recovered_version: number | null;
}

/**
 * The objects as Square's API returns them at the salon's present instant. Objects are never changed in place, so an
 * event keeps the object of its time.
 */
export interface Truth {
  readonly merchant: MerchantJson;
  readonly locations: Map<string, LocationJson>;
  readonly teamMembers: Map<string, TeamMemberJson>;
  readonly catalog: Map<string, CatalogItemJson>;
  /** Live profiles only. */
  readonly customers: Map<string, CustomerJson>;
  /** Deleted and merged profiles, as in their customer.deleted. */
  readonly deletedCustomers: Map<string, CustomerJson>;
  /** Merges in order. A customer may occur in several if it was recovered in between. */
  readonly merges: MergeRecord[];
  readonly bookings: Map<string, BookingJson>;
  readonly payments: Map<string, PaymentJson>;
  readonly refunds: Map<string, RefundJson>;
  /** Only orders that events may name. */
  readonly orders: Map<string, OrderJson>;
}

/** A merchant without any objects. */
export function emptyTruth(merchant: MerchantJson): Truth {
  return {
    merchant,
    locations: new Map(),
    teamMembers: new Map(),
    catalog: new Map(),
    customers: new Map(),
    deletedCustomers: new Map(),
    merges: [],
    bookings: new Map(),
    payments: new Map(),
    refunds: new Map(),
    orders: new Map(),
  };
}

/** The kinds of objects in the truth. */
export type Collection = {
  [Name in keyof Truth]: Truth[Name] extends Map<string, unknown> ? Name : never;
}[keyof Truth];

/** The type of a collection's objects. */
export type Kept<Name extends Collection> =
  Truth[Name] extends Map<string, infer Item extends object> ? Item : never;

/** One object added, replaced or removed. */
export interface TruthChange {
  /** Simulated instant, milliseconds since the epoch. It never decreases. */
  readonly at: number;
  readonly collection: Collection;
  readonly id: string;
  /** The replaced or removed object. Undefined for a new one. */
  readonly before: object | undefined;
}

/** Called for every change and event at once, before the event is taken from the stream. */
export interface LedgerWatcher {
  changed(change: TruthChange): void;
  announced(event: SalonEvent): void;
}

/** Records each change in the truth, and makes the webhook event that Square sends for it. */
export class Ledger {
  readonly truth: Truth;
  /** Events of the current step. The salon takes them. */
  readonly outbox: SalonEvent[] = [];
  readonly watchers = new Set<LedgerWatcher>();
  readonly #random: Random;
  readonly #now: () => number;

  /** @param now the simulated instant, milliseconds since the epoch */
  constructor(truth: Truth, random: Random, now: () => number) {
    this.truth = truth;
    this.#random = random;
    this.#now = now;
  }

  putBooking(booking: BookingJson): void {
    const type = this.#put("bookings", booking.id, booking) ? "booking.updated" : "booking.created";
    const data = { type: "booking", id: `${booking.id}:${booking.version}`, object: { booking } };
    this.#announce(type, data, seconds, booking.location_id);
  }

  putPayment(payment: PaymentJson): void {
    const type = this.#put("payments", payment.id, payment) ? "payment.updated" : "payment.created";
    this.#announce(type, { type: "payment", id: payment.id, object: { payment } }, milliseconds);
  }

  putRefund(refund: RefundJson): void {
    const type = this.#put("refunds", refund.id, refund) ? "refund.updated" : "refund.created";
    this.#announce(type, { type: "refund", id: refund.id, object: { refund } }, milliseconds);
  }

  /** A new, edited, recovered or merged profile; `merge` when it is the survivor of a merge. */
  putCustomer(customer: CustomerJson, merge?: MergeContext): void {
    const type = this.#put("customers", customer.id, customer) ? "customer.updated" : "customer.created";
    this.#put("deletedCustomers", customer.id, undefined);
    const object = { customer, ...(merge && { event_context: merge }) };
    this.#announce(type, { type: "customer", id: customer.id, object }, seconds);
  }

  /** @param customer the profile at its deletion; the event omits its times and groups, like Square's */
  deleteCustomer(customer: CustomerJson, merge?: MergeContext): void {
    const { created_at: _created, updated_at: _updated, group_ids: _groups, ...gone } = customer;
    this.#put("customers", gone.id, undefined);
    this.#put("deletedCustomers", gone.id, gone);
    const object = { customer: gone, ...(merge && { event_context: merge }) };
    this.#announce("customer.deleted", { type: "customer", id: gone.id, deleted: true, object }, seconds);
  }

  putTeamMember(member: TeamMemberJson): void {
    const type = this.#put("teamMembers", member.id, member) ? "team_member.updated" : "team_member.created";
    const data = { type: "team_member", id: member.id, object: { team_member: member } };
    this.#announce(type, data, milliseconds);
  }

  putLocation(location: LocationJson): void {
    const type = this.#put("locations", location.id, location) ? "location.updated" : "location.created";
    this.#announce(type, { type: "Location", id: location.id }, milliseconds, location.id);
  }

  putCatalogItem(item: CatalogItemJson): void {
    this.#put("catalog", item.id, item);
  }

  /** Square's event says only that the catalog changed. */
  announceCatalog(): void {
    const at = (instant: number): string => nanoseconds(instant, this.#random.int(0, 999_999));
    const object = { catalog_version: { updated_at: milliseconds(this.#now()) } };
    const data = { type: "catalog_version", id: this.#random.uuid(), object };
    this.#announce("catalog.version.updated", data, at);
  }

  /** @param announced false for an order made at a till: Square sends no event of it */
  putOrder(order: OrderJson, announced: boolean): void {
    const created = !this.#put("orders", order.id, order);
    if (!announced) return;
    const { id: order_id, location_id, state, version, created_at, updated_at } = order;
    const thin = { order_id, version, state, location_id, created_at };
    const data = created
      ? { type: "order_created", id: order_id, object: { order_created: thin } }
      : { type: "order_updated", id: order_id, object: { order_updated: { ...thin, updated_at } } };
    this.#announce(created ? "order.created" : "order.updated", data, milliseconds);
  }

  announceRevocation(): void {
    const at = (instant: number): string => nanoseconds(instant, this.#random.int(0, 999_999));
    const object = { revocation: { revoked_at: at(this.#now()), revoker_type: "MERCHANT" } };
    const data = { type: "revocation", id: this.#random.uuid(), object };
    this.#announce("oauth.authorization.revoked", data, at);
  }

  /** @returns whether the object existed */
  #put<Name extends Collection>(collection: Name, id: string, object: Kept<Name> | undefined): boolean {
    const kept = this.truth[collection] as Map<string, object>;
    const before = kept.get(id);
    if (object === undefined) kept.delete(id);
    else kept.set(id, object);
    for (const watcher of this.watchers) watcher.changed({ at: this.#now(), collection, id, before });
    return before !== undefined;
  }

  #announce(
    type: EventType,
    data: SquareEventJson["data"],
    format: (instant: number) => string,
    locationId?: string,
  ): void {
    const now = this.#now();
    const event: SquareEventJson = {
      merchant_id: this.truth.merchant.id,
      ...(locationId !== undefined && { location_id: locationId }),
      type,
      event_id: this.#random.uuid(),
      created_at: format(now + this.#random.int(-1000, 1500)),
      data,
    };
    const announced = { at: new Date(now), event };
    this.outbox.push(announced);
    for (const watcher of this.watchers) watcher.announced(announced);
  }
}
