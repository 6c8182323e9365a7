import { randomUUID } from "node:crypto";
import type { Database } from "../database/database.js";
import { LONGEST_PAYLOAD, notify } from "../database/notifications.js";
import { describeFailure } from "../errors.js";
import type { Log } from "../log.js";
import type { Change } from "./change.js";

/** Changes, or so many of which no more is known. A `count` of 0: an unknown number. */
export type News = { readonly changes: readonly Change[] } | { readonly count: number };

export type FeedListener = (news: News) => void;

/** How long changes are gathered before the other servers are told. */
const GATHER_MS = 100;

/** More changes than this are told to the other servers as a number. */
const TOLD_AT_MOST = 200;

interface Message {
  /** The server that sends it. */
  readonly from: string;
  readonly changes: readonly Change[];
  /** Changes that are only counted, by organization. */
  readonly many: Readonly<Record<string, number>>;
}

/**
 * What events change, told to whoever listens in this process, and over Postgres to the other servers. Nothing waits for it: it
 * begins after the commit, and what cannot be told is not told again.
 */
export class LiveFeed {
  readonly #database: Pick<Database, "pool" | "listen">;
  readonly #log: Log;
  readonly #id = randomUUID();
  readonly #listeners = new Map<string, Set<FeedListener>>();
  #listening: { stop(): Promise<void> } | undefined;
  #gathered: Change[] = [];
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(database: Pick<Database, "pool" | "listen">, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  /** Begins to listen to other servers; the embedded database has none. */
  start(): void {
    this.#listening = this.#database.listen?.({
      onPayload: (payload) => this.#hear(payload),
      onGap: () => {
        for (const organizationId of this.#listeners.keys()) this.#deliver(organizationId, { count: 0 });
      },
    });
  }

  /** Tells what was gathered, and listens no more. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#tell();
    await this.#telling;
    await this.#listening?.stop();
  }

  /** Calls `listener` with what changes in the organization. @returns ends it */
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
    this.#timer ??= setTimeout(() => this.#tell(), GATHER_MS).unref();
  }

  #tell(): void {
    this.#timer = undefined;
    const changes = this.#gathered;
    this.#gathered = [];
    this.#telling = notify(this.#database.pool, payloadsOf(this.#id, changes)).catch((error) =>
      this.#log.warn({ reason: describeFailure(error) }, "other servers could not be told of changes"),
    );
  }

  #hear(payload: string): void {
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

/** Messages that each fit into a payload. A change that does not is only counted. */
function payloadsOf(from: string, changes: readonly Change[]): string[] {
  const write = (told: readonly Change[], counted: readonly Change[]) => {
    const many = [...byOrganization(counted)].map(([id, group]) => [id, group.length]);
    return JSON.stringify({ from, changes: told, many: Object.fromEntries(many) } satisfies Message);
  };
  const fits = (told: readonly Change[]) => Buffer.byteLength(write(told, [])) <= LONGEST_PAYLOAD;
  const counted: Change[] = [];
  const parts: Change[][] = [];
  for (const [index, change] of changes.entries()) {
    const part = parts.at(-1);
    if (index >= TOLD_AT_MOST || !fits([change])) counted.push(change);
    else if (part && fits([...part, change])) part.push(change);
    else parts.push([change]);
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
