import { Agenda } from "./agenda.js";
import { Ledger, type Truth } from "./ledger.js";
import type { OpeningHours } from "./opening-hours.js";
import type { Habit, Rates } from "./options.js";
import type { Random } from "./random.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const YEAR = 365 * DAY;

const UPPER = "ABCDEFGHJKLMNPQRSTVWXYZ0123456789";
const LOWER = "abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED = `${LOWER}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;

/** A location of the simulation. */
export interface Place {
  readonly id: string;
  readonly timeZone: string;
  readonly hours: OpeningHours;
  /** Active team members, never empty. */
  staff: readonly string[];
}

/** A bookable service at its present price. */
export interface Service {
  readonly id: string;
  readonly itemId: string;
  readonly minutes: number;
  /** Minor units. */
  price: number;
  /** Catalog version, epoch milliseconds. */
  version: number;
}

/** A person. One person may have several profiles over time. */
export interface Client {
  /** The profile of new facts. */
  customerId: string;
  /** The last merged profile. Late facts may still carry it. */
  formerId: string | null;
  /** False after dropping out, deletion, or being merged into another client. */
  active: boolean;
  readonly habit: Habit;
  readonly gapDays: number;
  readonly prebook: number;
  readonly dropOut: number;
  readonly leadDays: number;
  readonly online: boolean;
  readonly place: Place;
  readonly favouriteStaff: string;
  readonly favouriteService: Service;
  /** Minutes after local midnight. */
  readonly favouriteMinute: number;
}

export type Outcome = "visited" | "missed" | "cancelled" | "declined" | "handed over";

/** A booking that can still change. */
export interface Appointment {
  readonly bookingId: string;
  readonly place: Place;
  client: Client | null;
  /** Called once with the outcome for the client who booked it. */
  ended: (outcome: Outcome) => void;
}

/** The state that all parts of the simulation share: the clock, the random source, the agenda and the ledger. */
export class World {
  /** Milliseconds since the epoch. */
  now: number;
  readonly random: Random;
  readonly rates: Rates;
  readonly currency: string;
  readonly agenda = new Agenda<() => void>();
  readonly ledger: Ledger;
  readonly places: Place[] = [];
  readonly services: Service[] = [];
  readonly clients: Client[] = [];
  readonly appointments = new Set<Appointment>();
  /** Minor units refunded or planned to be, by payment id. */
  readonly refunded = new Map<string, number>();

  constructor(setup: { start: number; random: Random; rates: Rates; currency: string }, truth: Truth) {
    this.now = setup.start;
    this.random = setup.random;
    this.rates = setup.rates;
    this.currency = setup.currency;
    this.ledger = new Ledger(truth, setup.random, () => this.now);
  }

  get truth(): Truth {
    return this.ledger.truth;
  }

  /** Schedules a step. An instant in the past means at once. */
  at(instant: number, run: () => void): void {
    this.agenda.add(Math.max(Math.round(instant), this.now), run);
  }

  /** Schedules a step `delay` milliseconds from now. */
  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Repeats a step at random intervals, `perYear` times a year on average. */
  everySoOften(perYear: number, run: () => void): void {
    if (perYear <= 0) return;
    this.after(this.random.wait(YEAR / perYear), () => {
      run();
      this.everySoOften(perYear, run);
    });
  }

  service(id: string): Service | undefined {
    return this.services.find((service) => service.id === id);
  }

  readonly bookingId = (): string => this.random.id(14, LOWER);
  readonly customerId = (): string => this.random.id(26, UPPER);
  readonly paymentId = (): string => `${this.random.id(27, MIXED)}ZY`;
  readonly orderId = (): string => `${this.random.id(27, MIXED)}YF`;
  readonly locationId = (): string => `L${this.random.id(12, UPPER)}`;
  readonly teamMemberId = (): string => `TM${this.random.id(14, MIXED)}`;
  readonly catalogId = (): string => this.random.id(24, UPPER);
  readonly token = (length: number): string => this.random.id(length, MIXED);
}

/** The profile id of a new fact of this client. Sometimes it is a merged one. */
export function reportedId(world: World, client: Client): string {
  const late = client.formerId !== null && world.random.chance(world.rates.lateFactOnOldId);
  return late && client.formerId !== null ? client.formerId : client.customerId;
}
