import { handlerFor } from "../../handlers/registry.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import { DatabaseUnavailable } from "../errors.js";
import type { Log } from "../log.js";
import { Organizations } from "../organizations/merchant-lookup.js";
import type { SquareEvent } from "../square/envelope.js";
import { annotate, beginWait, eventHash, tracedTogether, type Waiting } from "../tracing.js";
import type { Change } from "./change.js";
import type { Batch } from "./claims.js";
import { GroupCommit, type Lane } from "./group-commit.js";
import { type BatchResult, processBatch } from "./process-batch.js";
import {
  type EventSource,
  type FindHandler,
  interpret,
  type Outcome,
  type ReceivedEvent,
} from "./received-event.js";
import {
  forgetUnknownMerchantEvents,
  leaseDueEvents,
  readStoredEvent,
  type StoredEvent,
} from "./stored-events.js";

export interface InboxOptions {
  readonly database: Pick<Database, "pool">;
  readonly clock: Clock;
  readonly log: Log;
  /** By default the registry's. */
  readonly findHandler?: FindHandler;
  /** The most events of one transaction. */
  readonly maxBatch?: number;
  /** The most events that may wait for a transaction. Further events are refused (503). */
  readonly maxQueued?: number;
  /** The most transactions at once, one for each organization. It must leave connections for other work. */
  readonly maxInFlight?: number;
}

export interface ProcessedBatch extends Pick<BatchResult, "transactions"> {
  readonly events: readonly { readonly type: string; readonly outcome: Outcome }[];
}

/** Events that may share a transaction: those of one organization, or of one unknown merchant. */
interface OrganizationLane extends Lane {
  readonly organizationId: string;
}

interface QueuedEvent {
  readonly received: ReceivedEvent;
  readonly waiting: Waiting;
}

/**
 * Takes events and processes them up to the commit. They come as webhooks, from Square's Events API, or by a replay.
 */
export class Inbox {
  readonly #options: InboxOptions & { readonly findHandler: FindHandler };
  readonly #organizations: Organizations;
  readonly #queue: GroupCommit<OrganizationLane, QueuedEvent, Outcome>;
  readonly #fetchListeners: ((organizationId: string) => void)[] = [];
  readonly #batchListeners: ((batch: ProcessedBatch) => void)[] = [];
  readonly #changeListeners: ((changes: readonly Change[]) => void)[] = [];

  constructor(options: InboxOptions) {
    this.#options = { findHandler: handlerFor, ...options };
    this.#organizations = new Organizations(options.database.pool);
    this.#queue = new GroupCommit({
      process: ({ organizationId }, queued) =>
        this.#process(
          organizationId,
          queued.map(({ received }) => received),
          "new",
          queued.map(({ waiting }) => waiting),
        ),
      // Limits the locks and the duration of one transaction. A second transaction of the same organization, once 16
      // events waited, was 4 % faster (npm run bench -- webhooks). That is not worth splitting bursts.
      maxBatch: options.maxBatch ?? 64,
      maxQueued: options.maxQueued ?? 2_000,
      maxQueuedInLane: 1_000,
      maxInFlight: options.maxInFlight ?? 6,
    });
  }

  /** The number of events that wait for a transaction. */
  get queued(): number {
    return this.#queue.queued;
  }

  /** Calls `listener` after each commit that has marked objects of an organization for fetching. */
  onFetchesMarked(listener: (organizationId: string) => void): void {
    this.#fetchListeners.push(listener);
  }

  /** Calls `listener` with how each batch ended. */
  onBatch(listener: (batch: ProcessedBatch) => void): void {
    this.#batchListeners.push(listener);
  }

  /** Calls `listener` with what processed events have changed, after their commit. */
  onChanges(listener: (changes: readonly Change[]) => void): void {
    this.#changeListeners.push(listener);
  }

  /**
   * Takes and processes one event. When this resolves, the event is durable, whatever its outcome.
   *
   * @throws QueueFull, QueueClosed, or the database's error when it is unavailable; the sender must try again
   */
  async receive(event: SquareEvent, source: EventSource = "webhook"): Promise<Outcome> {
    const started = performance.now();
    const { clock, findHandler, log } = this.#options;
    annotate(() => ({
      "regulars.event.hash": eventHash(event.event_id),
      "regulars.event.type": findHandler(event.type) ? event.type : "other",
    }));
    const known = await this.#organizations.find(event.merchant_id);
    const organizationId = known ?? NIL_ORGANIZATION;
    const outcome = await this.#queue.submit(
      { organizationId, key: known ?? `${NIL_ORGANIZATION}/${event.merchant_id}` },
      {
        received: {
          event,
          source,
          receivedAt: clock(),
          // Events of an unknown merchant are only stored. They may be Square's test deliveries with made-up content.
          interpretation: known ? interpret(event, findHandler) : { kind: "ignored" },
          attempts: 1,
        },
        waiting: beginWait("queue"),
      },
    );
    annotate(() => ({ "regulars.event.status": outcome }));
    const level = outcome === "dead" || outcome === "deferred" ? "warn" : "info";
    log[level](
      {
        event_id: event.event_id,
        event_type: event.type,
        organization_id: known ?? null,
        status: outcome,
        ms: Math.round((performance.now() - started) * 10) / 10,
      },
      "event",
    );
    return outcome;
  }

  /**
   * Tries due deferred events again. If those of an organization take too long, they are left to their next attempt,
   * and the events of the others are tried.
   *
   * @returns how many were tried and not left
   */
  async retryDue(limit = 50): Promise<number> {
    const { database, clock, log } = this.#options;
    const due = await leaseDueEvents(database.pool, clock(), limit);
    let tried = 0;
    for (const organization_id of new Set(due.map((event) => event.organization_id))) {
      const events = due.filter((event) => event.organization_id === organization_id);
      try {
        tried += (await this.#processStored(events, "retry")).length;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error;
        log.warn({ organization_id, events: events.length, reason: error.message }, "deferred events wait");
      }
    }
    return tried;
  }

  /**
   * Processes stored events again, counting attempts from 1. Events of a merchant that was unknown move to its
   * organization if it has been added since.
   *
   * @returns the outcome of each, in their order
   */
  async redrive(events: readonly StoredEvent[]): Promise<Outcome[]> {
    return this.#processStored(
      events.map((event) => ({ ...event, attempts: 1 })),
      "replay",
    );
  }

  /** Takes no new events. Resolves when all events taken before are done. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  #processStored(events: readonly StoredEvent[], mode: "retry" | "replay"): Promise<Outcome[]> {
    const { findHandler } = this.#options;
    return inGroups(
      events,
      (stored) => stored.organization_id,
      (organizationId, group) => {
        if (organizationId === NIL_ORGANIZATION) return this.#adoptByMerchant(group);
        const received = group.map((stored) => readStoredEvent(stored, findHandler));
        return this.#process(organizationId, received, mode);
      },
    );
  }

  /** Moves events of merchants that were unknown to their organizations, and processes them there as new events. */
  #adoptByMerchant(events: readonly StoredEvent[]): Promise<Outcome[]> {
    const { findHandler, database } = this.#options;
    const pairs = events.map((stored) => ({ stored, received: readStoredEvent(stored, findHandler) }));
    return inGroups(
      pairs,
      ({ received }) => received.event.merchant_id,
      async (merchantId, group) => {
        const organizationId = await this.#organizations.find(merchantId);
        if (organizationId === undefined) return group.map(() => "ignored");
        const received = group.map((pair) => pair.received);
        const outcomes = await this.#process(organizationId, received, "new");
        const storedIds = group.map(({ stored }) => stored.event_id);
        await forgetUnknownMerchantEvents(database.pool, merchantId, storedIds);
        return outcomes;
      },
    );
  }

  /** @returns the outcome of each event, in their order */
  async #process(
    organizationId: string,
    events: readonly ReceivedEvent[],
    mode: Batch["mode"],
    waiting: readonly Waiting[] = [],
  ): Promise<readonly Outcome[]> {
    const { database, clock, log } = this.#options;
    const batch = { organizationId, events, now: clock(), mode };
    const { outcomes, refusedMerges, changes, transactions } = await tracedTogether(
      "batch",
      waiting,
      () => processBatch(database.pool, batch),
      { "regulars.organization.id": organizationId, "regulars.batch.events": events.length },
    );
    const ended = events.map(({ event }, index) => ({
      type: event.type,
      outcome: outcomes[index] as Outcome,
    }));
    for (const listener of this.#batchListeners) listener({ events: ended, transactions });
    if (changes.length > 0) for (const listener of this.#changeListeners) listener(changes);
    for (const { from_customer_id, to_customer_id } of refusedMerges) {
      log.warn(
        { organization_id: organizationId, from_customer_id, to_customer_id },
        "merge refused: it would close a cycle",
      );
    }
    if (events.some((event, index) => outcomes[index] === "processed" && marksFetches(event))) {
      for (const listener of this.#fetchListeners) listener(organizationId);
    }
    return outcomes;
  }
}

function marksFetches({ interpretation }: ReceivedEvent): boolean {
  return interpretation.kind === "facts" && interpretation.facts.some(({ kind }) => kind === "pending_fetch");
}

/** Processes items group by group, one group at a time. @returns the results in the order of the items */
async function inGroups<Item, Result>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  process: (key: string, group: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const groups = new Map<string, { readonly indexes: number[]; readonly group: Item[] }>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const { indexes, group } = groups.get(key) ?? { indexes: [], group: [] };
    indexes.push(index);
    group.push(item);
    groups.set(key, { indexes, group });
  }
  const results: Result[] = [];
  for (const [key, { indexes, group }] of groups) {
    for (const [at, result] of (await process(key, group)).entries()) results[indexes[at] ?? at] = result;
  }
  return results;
}
