import { handlerFor } from "../../handlers/registry.js";
import type { Fact } from "../../src/facts/types.js";
import type { LocationJson } from "../../src/simulator/objects.js";
import { type Salon, type SalonEvent, simulateSalon } from "../../src/simulator/salon.js";
import { readEnvelope } from "../../src/square/envelope.js";
import type { JsonValue } from "../../src/square/types.js";

export interface DatasetSize {
  readonly customers: number;
  readonly bookings: number;
  readonly payments: number;
}

/** The size of the organization for which the benchmark's targets are set. */
export const benchmarkSize: DatasetSize = { customers: 6_700, bookings: 60_000, payments: 42_000 };

export interface Dataset {
  readonly merchantId: string;
  readonly currency: string;
  /** The instant of the facts, two years after the salon opened. */
  readonly now: Date;
  /** Locations with their time zones. Events and facts have no time zone. */
  readonly locations: readonly LocationJson[];
  /**
   * One fact for each profile, booking, payment, refund and team member, as a handler makes it from the object's last
   * event before `now`. The mirror tables hold these facts at `now`. Their numbers are those of the size.
   */
  readonly facts: readonly Fact[];
  /** How many facts of each kind there are. */
  readonly counts: Readonly<Record<string, number>>;
  /**
   * The events of the year after `now`, in time order: updates of these objects, and new objects. They are the load.
   */
  upcoming(): Generator<SalonEvent, void, undefined>;
}

const start = new Date("2024-01-01T00:00:00Z");
const now = new Date("2026-01-01T00:00:00Z");
const end = new Date("2027-01-01T00:00:00Z");

/**
 * A salon of exactly this size after two years, the same in every run. A surplus of bookings or payments is left out
 * evenly over the years.
 *
 * @throws {RangeError} when the salon has fewer bookings or payments than asked for
 */
export function benchmarkDataset(size: DatasetSize = benchmarkSize): Dataset {
  const salon = openSalon(size);
  const last = lastEvents(salon);
  const bookings = thinOut("bookings", last.get("booking"), size.bookings);
  const payments = thinOut("payments", last.get("payment"), size.payments);
  const kept = new Set(payments.map(({ event }) => event.data.id));
  const refunds = [...(last.get("refund")?.values() ?? [])].filter(({ event }) => {
    const paymentId = event.data.object?.refund?.payment_id;
    return paymentId === undefined || kept.has(paymentId);
  });
  const others = [...(last.get("customer")?.values() ?? []), ...(last.get("team_member")?.values() ?? [])];
  const facts = [...others, ...bookings, ...payments, ...refunds].flatMap(factsOf);
  const counts: Record<string, number> = {};
  for (const { kind } of facts) counts[kind] = (counts[kind] ?? 0) + 1;
  return {
    merchantId: salon.merchantId,
    currency: salon.truth.merchant.currency,
    now,
    locations: salon.locations,
    facts,
    counts,
    upcoming: () => salon.events(),
  };
}

/** Profiles are neither merged nor deleted, so there are as many profiles as customers. */
function openSalon({ customers }: DatasetSize): Salon {
  const rates = { merged: 0, profileDeleted: 0, unpaidVisit: 0.18 };
  return simulateSalon({ seed: 1, start, end, arrivalsUntil: now, customers, staff: 24, rates });
}

/** The last event before `now` of each object, by its type and id. */
function lastEvents(salon: Salon): Map<string, Map<string, SalonEvent>> {
  const last = new Map<string, Map<string, SalonEvent>>();
  for (const item of salon.events(now)) {
    const { type, id } = item.event.data;
    const objects = last.get(type) ?? new Map<string, SalonEvent>();
    last.set(type, objects.set(type === "booking" ? id.replace(/:\d+$/, "") : id, item));
  }
  return last;
}

function thinOut(name: string, objects: Map<string, SalonEvent> | undefined, wanted: number): SalonEvent[] {
  const all = [...(objects?.values() ?? [])];
  if (all.length < wanted) throw new RangeError(`the salon has ${all.length} ${name}, not ${wanted}`);
  // An item is kept when the running share reaches the next whole number. So exactly `wanted` are kept, evenly.
  return all.filter(
    (_, i) => Math.floor(((i + 1) * wanted) / all.length) > Math.floor((i * wanted) / all.length),
  );
}

function factsOf({ event }: SalonEvent): readonly Fact[] {
  // The event is already parsed. It has no integer beyond 2^53, so its bytes would be read the same.
  const envelope = readEnvelope(event as unknown as JsonValue);
  return handlerFor(event.type)?.interpret(envelope) ?? [];
}
