/** Square's side of a story: a small salon whose truth the commands change, and the messages that come of it. */
import { Ledger, type LedgerWatcher, type Truth } from "../../../src/simulator/ledger.js";
import type { SquareEventJson } from "../../../src/simulator/objects.js";
import { Random } from "../../../src/simulator/random.js";
import { type LeftOut, leavingOut } from "../../support/rarities.js";
import { DAY, MINUTE, openSalon, people, survivors } from "./salon.js";

/** Square searches events of 28 days; a story and the wait after it are shorter. */
const LONGEST = 24 * DAY;

/** What becomes of one message. The plainest: it comes once, in its place, alone, to the first server. */
export interface Fate {
  readonly lost: boolean;
  /** How many further messages overtake it. */
  readonly delay: number;
  /** How many messages later it comes again; null for never. */
  readonly again: number | null;
  readonly server: number;
  /** It comes together with the delivery before it. */
  readonly joins: boolean;
  readonly leavesOut?: LeftOut;
}

export const PLAIN: Fate = { lost: false, delay: 0, again: null, server: 0, joins: false };

export interface Referral {
  readonly square_customer_id: string;
  readonly used_referral_code: string | null;
  readonly activated_at: string | null;
}

/** What reaches us: an event of Square's, a referral profile that somebody puts, or the clock telling us to ask Square. */
export type News =
  | { readonly event: SquareEventJson }
  | { readonly referral: Referral }
  | { readonly pull: Pull };

/** A pull that a story tells of. */
export interface Pull {
  /** How far Square's lists are behind. */
  readonly lagMinutes: number;
  /** Square finds no profile by its id, and says so of each. */
  readonly findsNobody: boolean;
}

export interface Message {
  readonly at: number;
  /** Readable: its number, its type and object. */
  readonly text: string;
  readonly news: News;
  readonly fate: Fate;
}

/** Something that happens. @returns how it reads, or undefined when it cannot happen now and has not */
export type Command = (world: StoryWorld) => string | undefined;

export interface Step {
  readonly command: Command;
  /** Of the messages that it makes, in their order; those beyond the list have the plainest. */
  readonly fates: readonly Fate[];
}

export class StoryWorld {
  /** Milliseconds since the epoch. */
  now: number;
  readonly start: number;
  /** Whether Square can be asked for anything: else nothing must be lost. */
  readonly asks: boolean;
  readonly truth: Truth;
  readonly ledger: Ledger;
  readonly messages: Message[] = [];
  /** What happened, with its moment and messages. */
  readonly lines: string[] = [];
  revoked = false;
  /** While it lasts no event gets through. */
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

  /** What a fake Square serves. */
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

  /** Something that is no event of Square's reaches us, now. */
  send(text: string, news: News): void {
    this.#made.push({ text, news });
  }

  /** The nth of what the truth holds, counted around; undefined when it holds nothing. */
  nth<Item>(kept: ReadonlyMap<string, Item>, n: number, wanted: (item: Item) => boolean = () => true) {
    const items = [...kept.values()].filter(wanted);
    return items[n % items.length];
  }

  /** Whom a fact is about: people come first, then profiles that merges made; those merged away and deleted as well. */
  person(n: number): string {
    const { customers, deletedCustomers } = this.truth;
    const made = survivors.filter((id) => customers.has(id) || deletedCustomers.has(id));
    const all = [...people, ...made];
    return all[n % all.length] as string;
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
