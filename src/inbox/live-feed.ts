import { randomUUID } from "node:crypto";
import type { Database } from "../database/database.js";
import { LONGEST_PAYLOAD, notify } from "../database/notifications.js";
import { describeFailure } from "../errors.js";
import type { Log } from "../log.js";
import type { Change } from "./change.js";

/** Changes, or only their number. A `count` of 0 means an unknown number. */
export type News = { readonly changes: readonly Change[] } | { readonly count: number };

export type FeedListener = (news: News) => void;

/** How long changes are collected before they are sent to the other servers. */
const GATHER_MS = 100;

/** The most changes that are sent at once. Of the changes beyond it, only the number is sent. */
const SENT_AT_ONCE = 200;

interface Message {
  /** The sending server. */
  readonly from: string;
  readonly changes: readonly Change[];
  /** Changes that are only counted, by organization. */
  readonly many: Readonly<Record<string, number>>;
}

/**
 * Publishes what events change, to listeners in this process and over Postgres to the other servers. It begins after
 * the commit, and nothing waits for it. A change that cannot be sent is not sent again.
 */
export class LiveFeed {
  readonly #database: Pick<Database, "pool" | "listen">;
  readonly #log: Log;
  readonly #id = randomUUID();
  readonly #listeners = new Map<string, Set<FeedListener>>();
  #listening: { stop(): Promise<void> } | undefined;
  #gathered: Change[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(database: Pick<Database, "pool" | "listen">, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  /** Begins to listen to other servers. The embedded database has no other servers. */
  start(): void {
    this.#listening = this.#database.listen?.({
      onPayload: (payload) => this.#receive(payload),
      onGap: () => {
        for (const organizationId of this.#listeners.keys()) this.#deliver(organizationId, { count: 0 });
      },
    });
  }

  /** Sends the collected changes and stops listening. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#send();
    await this.#sending;
    await this.#listening?.stop();
  }

  /** Calls `listener` with the organization's changes. @returns a function that ends this */
  subscribe(organizationId: string, listener: FeedListener): () => void {
    const listeners = this.#listeners.get(organizationId) ?? new Set();
    this.#listeners.set(organizationId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(organizationId);
    };
  }

  /** @param changes committed ones */
  publish(changes: readonly Change[]): void {
    this.#deliverAll(changes);
    if (!this.#listening) return;
    this.#gathered.push(...changes);
    this.#timer ??= setTimeout(() => this.#send(), GATHER_MS).unref();
  }

  #send(): void {
    this.#timer = undefined;
    const changes = this.#gathered;
    this.#gathered = [];
    this.#sending = notify(this.#database.pool, payloadsOf(this.#id, changes)).catch((error) =>
      this.#log.warn({ reason: describeFailure(error) }, "changes could not be sent to the other servers"),
    );
  }

  #receive(payload: string): void {
    const { from, changes, many } = JSON.parse(payload) as Message;
    if (from === this.#id) return;
    this.#deliverAll(changes);
    for (const [organizationId, count] of Object.entries(many)) this.#deliver(organizationId, { count });
  }

  #deliverAll(changes: readonly Change[]): void {
    for (const [organizationId, group] of byOrganization(changes)) {
      this.#deliver(organizationId, { changes: group });
    }
  }

  #deliver(organizationId: string, news: News): void {
    for (const listener of this.#listeners.get(organizationId) ?? []) listener(news);
  }
}

/** Splits changes into messages that fit into a payload. A change that is too large is only counted. */
function payloadsOf(from: string, changes: readonly Change[]): string[] {
  const write = (whole: readonly Change[], counted: readonly Change[]) => {
    const many = [...byOrganization(counted)].map(([id, group]) => [id, group.length]);
    return JSON.stringify({ from, changes: whole, many: Object.fromEntries(many) } satisfies Message);
  };
  const room = LONGEST_PAYLOAD - Buffer.byteLength(write([], []));
  const counted = changes.slice(SENT_AT_ONCE);
  const parts: Change[][] = [];
  let left = 0;
  for (const change of changes.slice(0, SENT_AT_ONCE)) {
    // With its comma.
    const bytes = Buffer.byteLength(JSON.stringify(change)) + 1;
    if (bytes > room) {
      counted.push(change);
      continue;
    }
    if (bytes > left) {
      parts.push([]);
      left = room;
    }
    parts.at(-1)?.push(change);
    left -= bytes;
  }
  const payloads = parts.map((part) => write(part, []));
  // Each organization takes about 50 bytes.
  const numbers = [...byOrganization(counted).values()];
  for (let at = 0; at < numbers.length; at += 100)
    payloads.push(write([], numbers.slice(at, at + 100).flat()));
  return payloads;
}

function byOrganization(changes: readonly Change[]): Map<string, Change[]> {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const group = groups.get(change.organization_id) ?? [];
    group.push(change);
    groups.set(change.organization_id, group);
  }
  return groups;
}
