import type pg from "pg";
import { nothingRecomputed, type Recomputed, recompute } from "../analytics/recompute.js";
import { bisectOnFailure } from "../database/bisect.js";
import { isTooSlow } from "../database/failures.js";
import { pipelined } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { DatabaseUnavailable, describeFailure } from "../errors.js";
import { concerns } from "../facts/erasures.js";
import type { MergeEdge } from "../facts/resolve-aliases.js";
import type { Fact } from "../facts/types.js";
import { type LockedFacts, lockFacts, writeFacts } from "../facts/write-facts.js";
import { span } from "../tracing.js";
import type { Change } from "./change.js";
import { type Batch, type Claim, claimEvents, expectedOutcome, setEventStatus } from "./claims.js";
import type { Outcome, ReceivedEvent } from "./received-event.js";
import { stripPayloads } from "./strip-payloads.js";

/** How long the events of a batch that was too slow are tried one by one. Two slow events can use up this time. */
const SLOW_BATCH_WITHIN_MS = 15_000;

export interface BatchResult {
  /** How each event of the batch ended, in their order. */
  readonly outcomes: readonly Outcome[];
  readonly refusedMerges: readonly MergeEdge[];
  /** What the processed events have changed, in their order. */
  readonly changes: readonly Change[];
  /** The transactions that were committed. */
  readonly transactions: readonly TransactionTimes[];
}

export interface TransactionTimes {
  readonly events: number;
  /** From its begin to its commit, lost attempts included. */
  readonly seconds: number;
  /** Until the answer of the one statement. */
  readonly recomputeSeconds: number;
}

type DeferToCommit = (step: () => Promise<unknown>) => void;

/**
 * Processes a batch in one transaction: it claims the events, writes the facts, and rewrites the affected customers'
 * rows. If an event cannot be processed, the batch is halved until that event is alone. If a statement takes too
 * long, the events are processed one by one. The failing event is stored as deferred, or as dead after the last
 * attempt. All other events are processed.
 *
 * When this resolves, every event is durable.
 *
 * @throws when the database is unavailable; some events may be stored or none, and the sender must try again
 */
export async function processBatch(pool: pg.Pool, batch: Batch): Promise<BatchResult> {
  const parts = await bisectOnFailure(
    batch.events,
    (events) => processTogether(pool, { ...batch, events }),
    (event, error) => storeFailure(pool, { ...batch, events: [event] }, error),
  );
  return inSequence(parts);
}

async function processTogether(pool: pg.Pool, batch: Batch): Promise<BatchResult> {
  let claims: readonly Claim[] | undefined;
  const started = performance.now();
  const factsOfBatch = batch.events.flatMap(factsOf);
  try {
    const applied = await inTransaction(pool, async (tx, deferToCommit) => {
      claims = undefined;
      // Locks the objects of duplicates too. That costs less than waiting for the claims.
      const [claimed, locked] = await span("claim and lock", () =>
        pipelined(
          async () => {
            claims = await claimEvents(tx, batch);
            return claims;
          },
          () => lockFacts(tx, batch.organizationId, factsOfBatch),
        ),
      );
      return apply(tx, batch, claimed, locked, deferToCommit);
    });
    const { recomputed, ...result } = applied;
    const { seconds: recomputeSeconds, ...rows } = await recomputed;
    const seconds = (performance.now() - started) / 1_000;
    const transactions = [{ events: batch.events.length, seconds, recomputeSeconds }];
    return { ...result, changes: changesOf(batch, applied, rows), transactions };
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    // If not even the claim is stored in time, the database is slow, not an event.
    if (!claims) throw new DatabaseUnavailable("The events could not be stored in time.");
    if (batch.events.length === 1) throw error;
    return processOneByOne(pool, batch);
  }
}

/**
 * Processes each event in its own transaction. One event may need more time than a statement may take. Halving the
 * batch would spend that time in every half again.
 *
 * @throws DatabaseUnavailable when the events take too long; processed events stay processed, the sender repeats the
 * rest
 */
async function processOneByOne(pool: pg.Pool, batch: Batch): Promise<BatchResult> {
  const started = performance.now();
  const parts: BatchResult[] = [];
  for (const event of batch.events) {
    if (performance.now() - started > SLOW_BATCH_WITHIN_MS) {
      throw new DatabaseUnavailable("The events took too long one by one.");
    }
    parts.push(await processBatch(pool, { ...batch, events: [event] }));
  }
  return inSequence(parts);
}

function inSequence(parts: readonly BatchResult[]): BatchResult {
  return {
    outcomes: parts.flatMap(({ outcomes }) => outcomes),
    refusedMerges: parts.flatMap(({ refusedMerges }) => refusedMerges),
    changes: parts.flatMap(({ changes }) => changes),
    transactions: parts.flatMap(({ transactions }) => transactions),
  };
}

/** What a transaction has done, once it is committed. */
interface Applied extends Omit<BatchResult, "changes" | "transactions"> {
  readonly affectedBy: readonly (readonly string[])[];
  /** Resolves with the commit. */
  readonly recomputed: Promise<Recomputed & { readonly seconds: number }>;
}

/** Writes the facts of the claimed events. The recomputation of their customers is sent with the commit. */
async function apply(
  tx: pg.PoolClient,
  { organizationId, events, now }: Batch,
  claims: readonly Claim[],
  locked: LockedFacts,
  deferToCommit: DeferToCommit,
): Promise<Applied> {
  const isMeaningful = events.some((event, index) => claims[index] && event.interpretation.kind === "facts");
  if (!isMeaningful) {
    const recomputed = Promise.resolve({ ...nothingRecomputed, seconds: 0 });
    return { outcomes: outcomesOf(events, claims), refusedMerges: [], affectedBy: [], recomputed };
  }
  const facts = events.map((event, index) => (claims[index] ? factsOf(event) : []));
  const written = await span("write facts", () => writeFacts(tx, organizationId, locked, facts, now));
  const recomputed = new Promise<Recomputed & { seconds: number }>((resolve) => {
    deferToCommit(async () => {
      const started = performance.now();
      const rows = await span("recompute", () =>
        recompute(tx, organizationId, written.affectedCustomerIds, now),
      );
      resolve({ ...rows, seconds: (performance.now() - started) / 1_000 });
    });
  });
  const outcomes = outcomesOf(events, claims, written.fresh);
  // An event that was processed before brings nothing new for that reason. It stays `processed`.
  const stale = events.filter(
    (_, index) => outcomes[index] === "stale" && claims[index]?.earlier !== "processed",
  );
  deferToCommit(() => setEventStatus(tx, organizationId, stale, "stale"));
  if (locked.erased.size > 0) {
    const telling = events.filter((_, index) => facts[index]?.some((fact) => concerns(fact, locked.erased)));
    deferToCommit(() =>
      stripPayloads(
        tx,
        organizationId,
        telling.map(({ event }) => event),
      ),
    );
  }
  const { refusedMerges, affectedBy } = written;
  return { outcomes, refusedMerges, affectedBy, recomputed };
}

/** Events that share customers share a recomputation. A changed column is reported for each of these events. */
function changesOf(
  { organizationId, events, now }: Batch,
  { outcomes, affectedBy }: Applied,
  { columns }: Recomputed,
): Change[] {
  return events.flatMap(({ event }, index) => {
    if (outcomes[index] !== "processed") return [];
    const changed = (affectedBy[index] ?? []).filter((customerId) => columns.has(customerId));
    return {
      organization_id: organizationId,
      event_id: event.event_id,
      event_type: event.type,
      at: now.toISOString(),
      customer_ids: changed,
      columns: [...new Set(changed.flatMap((customerId) => columns.get(customerId) ?? []))],
    };
  });
}

function factsOf({ interpretation }: ReceivedEvent): readonly Fact[] {
  return interpretation.kind === "facts" ? interpretation.facts : [];
}

/** @param fresh for each event, whether its facts changed anything */
function outcomesOf(
  events: readonly ReceivedEvent[],
  claims: readonly Claim[],
  fresh: readonly boolean[] = [],
): Outcome[] {
  return events.map((event, index) => {
    if (!claims[index]) return "duplicate";
    return event.interpretation.kind === "facts" && !fresh[index] ? "stale" : expectedOutcome(event);
  });
}

/** Stores a batch's only event, which cannot be processed now, without its effect. */
async function storeFailure(pool: pg.Pool, batch: Batch, error: unknown): Promise<BatchResult> {
  const interpretation = { kind: "failed", reason: describeFailure(error) } as const;
  const events = batch.events.map((event) => ({ ...event, interpretation }));
  const claims = await claimEvents(pool, { ...batch, events });
  return { outcomes: outcomesOf(events, claims), refusedMerges: [], changes: [], transactions: [] };
}
