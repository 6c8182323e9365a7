/** Square's side of a story: a small salon that the commands change, and the resulting messages. */
import { Ledger, type LedgerWatcher, type Truth } from "../../../src/simulator/ledger.js";
import type { SquareEventJson } from "../../../src/simulator/objects.js";
import { Random } from "../../../src/simulator/random.js";
import { type LeftOut, leavingOut } from "../../support/rarities.js";
import { DAY, MINUTE, openSalon, people, survivors } from "./salon.js";

/** Square's event search covers 28 days. A story and the wait after it are shorter. */
const LONGEST = 24 * DAY;

/** How one message is delivered. The plain fate is: once, in its place, alone, to the first server. */
export interface Fate {
  readonly lost: boolean;
  /** How many later messages overtake it. */
  readonly delay: number;
  /** It is repeated after so many messages. Null: never. */
  readonly again: number | null;
  readonly server: number;
  /** It arrives at the same time as the delivery before it. */
  readonly joins: boolean;
  readonly leavesOut?: LeftOut;
}

export const PLAIN: Fate = { lost: false, delay: 0, again: null, server: 0, joins: false };

export interface Referral {
  readonly square_customer_id: string;
  readonly used_referral_code: string | null;
  readonly activated_at: string | null;
}

/** An event from Square, a referral profile from the API, or a pull. */
export type News =
  | { readonly event: SquareEventJson }
  | { readonly referral: Referral }
  | { readonly pull: Pull };

/** A pull in the middle of a story. */
export interface Pull {
  /** How far Square's lists lag behind. */
  readonly lagMinutes: number;
  /** Square answers NOT_FOUND to each request for a profile by its id. */
  readonly findsNobody: boolean;
}

export interface Message {
  readonly at: number;
  /** Text for people: its number, type and object. */
  readonly text: string;
  readonly news: News;
  readonly fate: Fate;
}

/** Changes the world. @returns a sentence about the change, or undefined when it was not possible */
export type Command = (world: StoryWorld) => string | undefined;

export interface Step {
  readonly command: Command;
  /** The fates of its messages, in their order. Further messages have the plain fate. */
  readonly fates: readonly Fate[];
}

export class StoryWorld {
  /** Milliseconds since the epoch. */
  now: number;
  readonly start: number;
  /** Whether anything can be read from Square. If not, no event may be lost. */
  readonly asks: boolean;
  readonly truth: Truth;
  readonly ledger: Ledger;
  readonly messages: Message[] = [];
  /** One line for each change, with its time and messages. */
  readonly lines: string[] = [];
  revoked = false;
  /** During an outage no event is delivered. */
  outage = false;
  readonly #made: { text: string; news: News }[] = [];
  #events = 0;

  constructor(merchantId: string, start: number, asks: boolean) {
    this.now = start;
    this.start = start;
    this.asks = asks;
    this.truth = openSalon(merchantId, start);
    this.ledger = new Ledger(this.truth, new Random(`story of ${merchantId}`), () => this.now);
  }

  /** The data of the fake Square. */
  get served() {
    const { truth, ledger } = this;
    const watch = (watcher: LedgerWatcher) => {
      ledger.watchers.add(watcher);
      return () => ledger.watchers.delete(watcher);
    };
    return { truth, watch };
  }

  play(steps: readonly Step[]): void {
    for (const { command, fates } of steps) {
      this.now += 10 * MINUTE;
      const line = command(this);
      if (line === undefined) {
        this.now -= 10 * MINUTE;
        continue;
      }
      for (const { event } of this.ledger.outbox.splice(0)) {
        this.#events += 1;
        this.send(`event ${this.#events} ${event.type} of ${event.data.id}`, { event });
      }
      const made = this.#made.splice(0);
      for (const [index, { text, news }] of made.entries()) {
        const fate = fates[index] ?? PLAIN;
        const isLost = fate.lost || (this.outage && "event" in news);
        const told = "event" in news ? { event: leavingOut(news.event, fate.leavesOut) } : news;
        this.messages.push({ at: this.now, text, news: told, fate: { ...fate, lost: isLost } });
      }
      this.lines.push(`${this.clockText(this.now)}  ${line}${made.map(({ text }) => ` [${text}]`).join("")}`);
    }
  }

  /** Sends a message that is not an event of Square. */
  send(text: string, news: News): void {
    this.#made.push({ text, news });
  }

  /** The nth of the wanted items. The index wraps around. Undefined when there is none. */
  nth<Item>(kept: ReadonlyMap<string, Item>, n: number, wanted: (item: Item) => boolean = () => true) {
    const items = [...kept.values()].filter(wanted);
    return items[n % items.length];
  }

  /** The id of a person: people first, then survivors of merges. Merged and deleted profiles are included. */
  person(n: number): string {
    const { customers, deletedCustomers } = this.truth;
    const made = survivors.filter((id) => customers.has(id) || deletedCustomers.has(id));
    const all = [...people, ...made];
    return all[n % all.length] as string;
  }

  /** @returns false when the story has reached its longest duration */
  wait(ms: number): boolean {
    if (this.now + ms > this.start + LONGEST) return false;
    this.now += ms;
    return true;
  }

  /** The day and time within the story, such as `day 3 14:20`. */
  clockText(at: number): string {
    const minutes = Math.floor((at - this.start) / MINUTE);
    const two = (value: number) => String(value).padStart(2, "0");
    return `day ${Math.floor(minutes / 1440)} ${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
  }
}
