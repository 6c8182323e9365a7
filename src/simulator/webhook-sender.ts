import { RegularsError } from "../errors.js";
import { Agenda } from "./agenda.js";
import type { SalonEvent } from "./ledger.js";
import type { SquareEventJson } from "./objects.js";
import type { DeliveryFacts, RetryReason } from "./post-event.js";
import { Random } from "./random.js";
import type { Salon } from "./salon.js";
import { HOUR, MINUTE } from "./world.js";

/** How long after a failed attempt the next one follows, milliseconds; after the last the event is discarded. */
export const retrySchedule: readonly number[] = [
  ...[1, 2, 4, 8, 16, 32, 60].map((minutes) => minutes * MINUTE),
  ...[2, 4, 8, 8].map((hours) => hours * HOUR),
];

export interface Interval {
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
}

export interface SenderOptions {
  readonly seed: number | string;
  /** Returns the signature of a body, as `signBody` in src/square/signature.ts does with key and URL given. */
  readonly sign: (body: string) => string;
  /** Delivers to the endpoint: `postEvent` with a URL, or the like. What it throws counts as no answer. */
  readonly post: (
    body: string,
    signature: string,
    facts: DeliveryFacts,
  ) => Promise<{ readonly status: number }>;
  /** Probability that an event is sent a second time, up to an hour later; default 0. */
  readonly duplicates?: number;
  /** Probability that an event is never sent, or the choice of those that are not; default 0. */
  readonly drops?: number | ((event: SquareEventJson) => boolean);
  /** Up to how long a delivery is delayed at random, milliseconds, which mixes their order; default 0. */
  readonly spread?: number;
  /** When the endpoint cannot be reached: attempts fail and are repeated by the schedule. */
  readonly outages?: readonly Interval[];
  /** Deliveries under way at once, in real time; 1, the default, keeps their order exact. */
  readonly atOnce?: number;
}

/** Events that happened and second copies are each delivered, discarded, dropped, or still on their way. */
export interface SenderTally {
  /** Events taken from the salon. */
  events: number;
  /** Second copies. */
  duplicated: number;
  dropped: number;
  /** Attempts, failed ones and those during an outage too. */
  sent: number;
  /** Those of them that were not the first. */
  retried: number;
  delivered: number;
  /** Given up after the last retry. */
  discarded: number;
}

interface Delivery {
  readonly event: SquareEventJson;
  /** Milliseconds since the epoch; that of the first attempt once it was made. */
  readonly first: number;
  /** Attempts made so far. */
  attempts: number;
  reason: RetryReason | undefined;
}

/**
 * Delivers a salon's events as Square does, by a virtual clock: at least once, in no certain order, with retries for
 * a day. The same options over the same salon and the same answers give the same deliveries.
 */
export class WebhookSender {
  readonly tally: SenderTally = {
    events: 0,
    duplicated: 0,
    dropped: 0,
    sent: 0,
    retried: 0,
    delivered: 0,
    discarded: 0,
  };
  readonly #salon: Pick<Salon, "events">;
  readonly #options: SenderOptions;
  readonly #random: Random;
  readonly #agenda = new Agenda<Delivery>();
  #now = 0;

  /** @throws {RangeError} for a rate outside 0 to 1 */
  constructor(salon: Pick<Salon, "events">, options: SenderOptions) {
    const { duplicates = 0, drops = 0 } = options;
    for (const [name, rate] of Object.entries({ duplicates, drops })) {
      if (typeof rate === "number" && !(rate >= 0 && rate <= 1)) {
        throw new RangeError(`${name} is a rate from 0 to 1, not ${rate}`);
      }
    }
    this.#salon = salon;
    this.#options = options;
    this.#random = new Random(`deliveries of ${options.seed}`);
  }

  /** The instant of the attempt under way, else how far the clock has advanced; 1970 before that. */
  get now(): Date {
    return new Date(this.#now);
  }

  /** Deliveries that wait for their first or next attempt. */
  get pending(): number {
    return this.#agenda.size;
  }

  /** Lets the salon live up to an instant (exclusive), and makes every attempt that is due before it. */
  async advanceTo(instant: Date): Promise<void> {
    for (const event of this.#salon.events(instant)) this.#plan(event);
    await this.#run(instant.getTime());
    this.#now = instant.getTime();
  }

  /** Lets the salon live to its end, and goes on until every event is delivered or discarded. */
  async finish(): Promise<void> {
    for (const event of this.#salon.events()) this.#plan(event);
    await this.#run(Number.POSITIVE_INFINITY);
  }

  #plan({ at, event }: SalonEvent): void {
    const { drops = 0, duplicates = 0, spread = 0 } = this.#options;
    this.tally.events++;
    // Drawn in any case, so that dropping an event does not change the fate of others.
    const luck = { drop: this.#random.fraction(), delay: this.#random.fraction() };
    const copy = { luck: this.#random.fraction(), delay: this.#random.fraction() };
    if (typeof drops === "function" ? drops(event) : luck.drop < drops) {
      this.tally.dropped++;
      return;
    }
    const first = at.getTime() + Math.floor(luck.delay * spread);
    this.#send(event, first);
    if (copy.luck >= duplicates) return;
    this.tally.duplicated++;
    this.#send(event, first + Math.floor(copy.delay * HOUR));
  }

  #send(event: SquareEventJson, at: number): void {
    this.#agenda.add(at, { event, first: at, attempts: 0, reason: undefined });
  }

  async #run(until: number): Promise<void> {
    for (;;) {
      const due: { readonly at: number; readonly item: Delivery }[] = [];
      for (let left = this.#options.atOnce ?? 1; left > 0; left--) {
        const next = this.#agenda.takeBefore(until);
        if (next) due.push(next);
      }
      if (due.length === 0) return;
      // An attempt planned for a moment that has passed is made now: the clock never goes back.
      this.#now = Math.max(this.#now, ...due.map(({ at }) => at));
      const failures = await Promise.all(due.map(({ at, item }) => this.#attempt(item, at)));
      for (const [index, failure] of failures.entries()) {
        const { at, item } = due[index] as (typeof due)[number];
        this.#settle(item, at, failure);
      }
    }
  }

  /** @returns why it failed; undefined when the endpoint answered 2xx */
  async #attempt(delivery: Delivery, at: number): Promise<RetryReason | undefined> {
    const { outages = [], sign, post } = this.#options;
    const { event, first, attempts, reason } = delivery;
    this.tally.sent++;
    if (attempts > 0) this.tally.retried++;
    if (outages.some(({ from, to }) => at >= from.getTime() && at < to.getTime())) return "other_error";
    const body = JSON.stringify(event);
    try {
      const { status } = await post(body, sign(body), {
        initialDelivery: new Date(first),
        ...(reason && { retry: { number: attempts, reason } }),
      });
      return status >= 200 && status < 300 ? undefined : "http_error";
    } catch (error) {
      return error instanceof RegularsError && error.code === "endpoint_timeout"
        ? "http_timeout"
        : "other_error";
    }
  }

  #settle(delivery: Delivery, at: number, failure: RetryReason | undefined): void {
    if (failure === undefined) {
      this.tally.delivered++;
      return;
    }
    const wait = retrySchedule[delivery.attempts];
    if (wait === undefined) {
      this.tally.discarded++;
      return;
    }
    delivery.attempts++;
    delivery.reason = failure;
    this.#agenda.add(at + wait, delivery);
  }
}
