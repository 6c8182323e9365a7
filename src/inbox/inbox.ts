import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { Log } from "../log.js";
import { Organizations } from "../organizations/merchant-lookup.js";
import type { SquareEvent } from "../square/envelope.js";
import { type Arrival, type EventSource, type FindHandler, interpret, type Outcome } from "./arrival.js";
import { NIL_ORGANIZATION } from "./claims.js";
import { GroupCommit } from "./group-commit.js";
import { type BatchMode, processBatch } from "./process-batch.js";
import { arrivalOf, forgetUnknownMerchantEvents, leaseDueEvents, type StoredEvent } from "./stored-events.js";

export interface InboxOptions {
  readonly database: Pick<Database, "pool">;
  readonly clock: Clock;
  readonly log: Log;
  readonly findHandler: FindHandler;
  /** Told when events have marked objects of an organization for fetching. */
  readonly onFetchesMarked?: (organizationId: string) => void;
  /** The most events of one transaction. */
  readonly maxBatch?: number;
  /** The most events that wait for a transaction; one more is refused (503). */
  readonly maxQueued?: number;
  /** The most transactions at once, one per organization. Leaves connections for everybody else. */
  readonly maxInFlight?: number;
}

/** An event's way from bytes to committed, for every sender: Square, the events API, a replay. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #organizations: Organizations;
  readonly #queue: GroupCommit<Arrival, Outcome>;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#organizations = new Organizations(options.database.pool);
    this.#queue = new GroupCommit({
      process: (key, arrivals) => this.#processDistinct(organizationOf(key), arrivals, "new"),
      // Keeps the locks and the time of one transaction in bounds. A second transaction beside the one in flight, once 16
      // events waited, gained 4 % (npm run bench -- webhooks), which is not worth splitting bursts.
      maxBatch: options.maxBatch ?? 64,
      maxQueued: options.maxQueued ?? 2_000,
      maxInFlight: options.maxInFlight ?? 6,
    });
  }

  /** Events that wait for a transaction. */
  get queued(): number {
    return this.#queue.queued;
  }

  /**
   * Takes one event in. When this resolves the event is durable, whatever its outcome.
   *
   * @throws {QueueFull} {QueueClosed} or what the database threw when it is unavailable: the sender tries again
   */
  async receive(event: SquareEvent, source: EventSource = "webhook"): Promise<Outcome> {
    const started = performance.now();
    const { clock, findHandler, log } = this.#options;
    const known = await this.#organizations.find(event.merchant_id);
    const outcome = await this.#queue.submit(known ?? unknownMerchantKey(event.merchant_id), {
      event,
      source,
      receivedAt: clock(),
      // An unknown merchant's events are only kept: they may be Square's test deliveries, signed but fictional.
      meaning: known ? interpret(event, findHandler) : { kind: "ignored" },
      attempts: 1,
    });
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
   * Tries deferred events that are due again.
   *
   * @returns how many were tried
   */
  async retryDue(limit = 50): Promise<number> {
    const { database, clock } = this.#options;
    const due = await leaseDueEvents(database.pool, clock(), limit);
    await this.#processStored(due, "retry");
    return due.length;
  }

  /**
   * Processes stored events again, with fresh attempts. Events of a merchant that was unknown when they came move to
   * its organization if it has been added since.
   *
   * @returns the outcome of each, by the id it was stored under
   */
  async redrive(events: readonly StoredEvent[]): Promise<Map<string, Outcome>> {
    return this.#processStored(
      events.map((event) => ({ ...event, attempts: 1 })),
      "replay",
    );
  }

  /** Takes nothing new, and resolves when what was taken is done. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  async #processStored(
    events: readonly StoredEvent[],
    mode: "retry" | "replay",
  ): Promise<Map<string, Outcome>> {
    const byOrganization = groupBy(events, (event) => event.organization_id);
    const outcomes = new Map<string, Outcome>();
    for (const [organizationId, group] of byOrganization) {
      const { findHandler } = this.#options;
      const pairs = group.map((stored) => ({ stored, arrival: arrivalOf(stored, findHandler) }));
      const ended =
        organizationId === NIL_ORGANIZATION
          ? await this.#adopt(pairs)
          : await this.#processDistinct(
              organizationId,
              pairs.map(({ arrival }) => arrival),
              mode,
            );
      group.forEach(({ event_id }, index) => {
        outcomes.set(event_id, ended[index] as Outcome);
      });
    }
    return outcomes;
  }

  /** Moves events of a once unknown merchant to its organization, where they are new. */
  async #adopt(pairs: readonly StoredArrival[]): Promise<Outcome[]> {
    const { pool } = this.#options.database;
    const outcomes = new Map<StoredArrival, Outcome>();
    for (const [merchantId, group] of groupBy(pairs, ({ arrival }) => arrival.event.merchant_id)) {
      const organizationId = await this.#organizations.find(merchantId);
      if (organizationId === undefined) continue;
      const arrivals = group.map(({ arrival }) => arrival);
      const ended = await this.#processDistinct(organizationId, arrivals, "new");
      const storedIds = group.map(({ stored }) => stored.event_id);
      await forgetUnknownMerchantEvents(pool, merchantId, storedIds);
      group.forEach((pair, index) => {
        outcomes.set(pair, ended[index] as Outcome);
      });
    }
    return pairs.map((pair) => outcomes.get(pair) ?? "ignored");
  }

  /** Processes one organization's events; of equal ids in one batch the first counts, the others are duplicates. */
  async #processDistinct(
    organizationId: string,
    arrivals: readonly Arrival[],
    mode: BatchMode,
  ): Promise<Outcome[]> {
    const { database, clock, log } = this.#options;
    const distinct = new Map(arrivals.toReversed().map((arrival) => [arrival.event.event_id, arrival]));
    const { outcomes, refusedMerges } = await processBatch(
      database.pool,
      organizationId,
      arrivals.filter((arrival) => distinct.get(arrival.event.event_id) === arrival),
      clock(),
      mode,
    );
    for (const { from_customer_id, to_customer_id } of refusedMerges) {
      log.warn(
        { organization_id: organizationId, from_customer_id, to_customer_id },
        "merge refused: it closes a cycle",
      );
    }
    if (
      arrivals.some(
        (arrival) => marksFetches(arrival) && outcomes.get(arrival.event.event_id) === "processed",
      )
    ) {
      this.#options.onFetchesMarked?.(organizationId);
    }
    return arrivals.map((arrival) =>
      distinct.get(arrival.event.event_id) === arrival
        ? (outcomes.get(arrival.event.event_id) as Outcome)
        : "duplicate",
    );
  }
}

function marksFetches({ meaning }: Arrival): boolean {
  return meaning.kind === "facts" && meaning.facts.some(({ kind }) => kind === "pending_fetch");
}

interface StoredArrival {
  readonly stored: StoredEvent;
  readonly arrival: Arrival;
}

/** Unknown merchants share one organization but no batch: equal ids of two of them are two events. */
function unknownMerchantKey(merchantId: string): string {
  return `${NIL_ORGANIZATION}/${merchantId}`;
}

function organizationOf(key: string): string {
  return key.slice(0, NIL_ORGANIZATION.length);
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
