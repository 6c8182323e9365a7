/** Square's side of a story: a small salon whose truth the commands change, and the events that Square sends of it. */
import { Ledger, type LedgerWatcher, type Truth } from "../../../src/simulator/ledger.js";
import type { LocationJson, SquareEventJson } from "../../../src/simulator/objects.js";
import { Random } from "../../../src/simulator/random.js";
import { milliseconds } from "../../../src/simulator/wire-time.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Square searches events of 28 days; a story and the wait after it are shorter. */
const LONGEST = 24 * DAY;

/** The organization's, which neither location has: a placeholder in it differs from the fetched location. */
export const ORGANIZATION_ZONE = "America/Denver";

export const people = ["ann", "ben", "cem"] as const;
/** Profiles that merges make. */
export const survivors = ["m1", "m2", "m3"] as const;
export const places = ["L1", "L2"] as const;
export const staff = ["t1", "t2"] as const;
export const services = ["cut", "color"] as const;

export interface Referral {
  readonly square_customer_id: string;
  readonly used_referral_code: string | null;
  readonly activated_at: string | null;
}

/** Something that reaches us: an event of Square's, or a referral profile that somebody puts. */
export type Message = {
  readonly at: number;
  /** Readable: its place in the story, its type and object. */
  readonly text: string;
} & (
  | { readonly event: SquareEventJson; readonly referral?: undefined }
  | { readonly referral: Referral; readonly event?: undefined }
);

/** One step of a story. @returns how it reads, or undefined when it cannot happen now and has not */
export type Command = (world: StoryWorld) => string | undefined;

export class StoryWorld {
  /** Milliseconds since the epoch. */
  now: number;
  readonly start: number;
  readonly truth: Truth;
  readonly ledger: Ledger;
  readonly messages: Message[] = [];
  /** The commands that could happen, each with the moment and the events it made. */
  readonly lines: string[] = [];
  revoked = false;
  #told = 0;

  constructor(merchantId: string, start: number) {
    this.now = start;
    this.start = start;
    this.truth = openSalon(merchantId, start);
    this.ledger = new Ledger(this.truth, new Random(`story of ${merchantId}`), () => this.now);
  }

  /** What a fake Square serves. */
  get served() {
    const { truth, ledger } = this;
    const watch = (watcher: LedgerWatcher) => {
      ledger.watchers.add(watcher);
      return () => ledger.watchers.delete(watcher);
    };
    return { truth, watch };
  }

  play(commands: readonly Command[]): void {
    for (const command of commands) {
      const before = this.messages.length;
      this.now += 10 * MINUTE;
      const line = command(this);
      if (line === undefined) {
        this.now -= 10 * MINUTE;
        continue;
      }
      for (const { event } of this.ledger.outbox.splice(0)) {
        this.#told += 1;
        const text = `event ${this.#told} ${event.type} of ${event.data.id}`;
        this.messages.push({ at: this.now, text, event });
      }
      const told = this.messages.slice(before).map(({ text }) => text);
      this.lines.push(`${this.clockText(this.now)}  ${line}${told.map((one) => ` [${one}]`).join("")}`);
    }
  }

  /** The nth of what the truth holds, counted around; undefined when it holds nothing. */
  nth<Item>(kept: ReadonlyMap<string, Item>, n: number, wanted: (item: Item) => boolean = () => true) {
    const items = [...kept.values()].filter(wanted);
    return items[n % items.length];
  }

  /** Whom a fact is about: people come first, then profiles that merges made; those merged away and deleted as well. */
  person(n: number): string {
    const made = survivors.filter(
      (id) => this.truth.customers.has(id) || this.truth.deletedCustomers.has(id),
    );
    const all = [...people, ...made];
    return all[n % all.length] as string;
  }

  /** Somebody puts a referral profile, now. */
  refer(referral: Referral): void {
    const text = `referral profile of ${referral.square_customer_id}`;
    this.messages.push({ at: this.now, text, referral });
  }

  /** @returns false once the story is long enough */
  wait(ms: number): boolean {
    if (this.now + ms > this.start + LONGEST) return false;
    this.now += ms;
    return true;
  }

  /** Day and time of the story: `day 3 14:20`. */
  clockText(at: number): string {
    const minutes = Math.floor((at - this.start) / MINUTE);
    const two = (value: number) => String(value).padStart(2, "0");
    return `day ${Math.floor(minutes / 1440)} ${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
  }
}

/** The house as it stands before the story begins, of which no event tells. */
function openSalon(merchantId: string, start: number): Truth {
  const created_at = milliseconds(start - DAY);
  const merchant = {
    id: merchantId,
    business_name: "Salon of the stories",
    country: "US",
    currency: "USD",
    language_code: "en-US",
    main_location_id: "L1",
    status: "ACTIVE",
    created_at,
  } as const;
  const zones = { L1: "America/Los_Angeles", L2: "America/New_York" };
  const location = (id: (typeof places)[number]): LocationJson => ({
    id,
    name: `Salon ${id}`,
    timezone: zones[id],
    currency: "USD",
    country: "US",
    language_code: "en-US",
    status: "ACTIVE",
    type: "PHYSICAL",
    merchant_id: merchantId,
    business_name: merchant.business_name,
    phone_number: "+15035550100",
    created_at,
    capabilities: [],
    business_hours: { periods: [] },
  });
  return {
    merchant,
    locations: new Map(places.map((id) => [id, location(id)])),
    teamMembers: new Map(staff.map((id) => [id, memberOf(id, created_at)])),
    catalog: new Map([["services", itemOf(start - DAY)]]),
    customers: new Map(),
    deletedCustomers: new Map(),
    merges: [],
    bookings: new Map(),
    payments: new Map(),
    refunds: new Map(),
    orders: new Map(),
  };
}

function memberOf(id: string, created_at: string) {
  return {
    id,
    is_owner: false,
    status: "ACTIVE",
    given_name: id,
    family_name: "Staff",
    email_address: `${id}@salon.example.com`,
    phone_number: "+15035550101",
    created_at,
    updated_at: created_at,
    assigned_locations: { assignment_type: "ALL_CURRENT_AND_FUTURE_LOCATIONS" },
  } as const;
}

function itemOf(version: number) {
  const times = { version, updated_at: milliseconds(version), is_deleted: false };
  const variation = (id: string, ordinal: number) =>
    ({
      type: "ITEM_VARIATION",
      id,
      ...times,
      present_at_all_locations: true,
      item_variation_data: {
        item_id: "services",
        name: id,
        ordinal,
        pricing_type: "FIXED_PRICING",
        price_money: { amount: 4_000, currency: "USD" },
        service_duration: 45 * MINUTE,
        available_for_booking: true,
      },
    }) as const;
  return {
    type: "ITEM",
    id: "services",
    ...times,
    present_at_all_locations: true,
    item_data: {
      name: "Services",
      product_type: "APPOINTMENTS_SERVICE",
      variations: services.map((id, index) => variation(id, index + 1)),
    },
  } as const;
}
