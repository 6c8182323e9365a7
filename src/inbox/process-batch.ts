import type pg from "pg";
import { recompute } from "../analytics/recompute.js";
import { bisectOnFailure } from "../database/bisect.js";
import { isTooSlow } from "../database/failures.js";
import { pipelined } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { DatabaseUnavailable, describeFailure } from "../errors.js";
import type { MergeEdge } from "../facts/resolve-aliases.js";
import type { Fact } from "../facts/types.js";
import { type LockedCustomers, lockFacts, writeFacts } from "../facts/write-facts.js";
import { type Batch, type Claim, claimEvents, expectedOutcome, setEventStatus } from "./claims.js";
import type { Outcome, ReceivedEvent } from "./received-event.js";

/** How long the events of a batch that took too long are tried one by one: two slow ones may take all of it. */
const SLOW_BATCH_WITHIN_MS = 15_000;

export interface BatchResult {
  /** How each event of the batch ended, in their order. */
  readonly outcomes: readonly Outcome[];
  readonly refusedMerges: readonly MergeEdge[];
}

type DeferToCommit = (step: () => Promise<unknown>) => void;

/**
 * Processes a batch in one transaction: claim the events, write the facts, rewrite the affected customers' rows. If something in it
 * cannot be processed, the batch is halved until the culprit stands alone, or taken apart at once where it is a matter of time. The
 * culprit is stored as deferred (or dead, after the last attempt) and harms no neighbour.
 *
 * When this resolves every event is durable.
 *
 * @throws when the database is unavailable: then nothing is known to be stored, and the sender must try again
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
  const factsOfBatch = batch.events.flatMap(factsOf);
  try {
    return await inTransaction(pool, async (tx, deferToCommit) => {
      claims = undefined;
      // Duplicates are locked too, which costs less than to wait for who they are.
      const [claimed, locked] = await pipelined(
        async () => {
          claims = await claimEvents(tx, batch);
          return claims;
        },
        () => lockFacts(tx, batch.organizationId, factsOfBatch),
      );
      return apply(tx, batch, claimed, locked, deferToCommit);
    });
  } catch (error) {
    if (!isTooSlow(error)) throw error;
    // Where not even an id can be stored in time, it is the database that is slow, and no event.
    if (!claims) throw new DatabaseUnavailable("The events could not be stored in time.");
    if (batch.events.length === 1) throw error;
    return processOneByOne(pool, batch);
  }
}

/**
 * One event can need more time than a statement has. To halve a batch would cost that time again and again.
 *
 * @throws {DatabaseUnavailable} when the events take too long: what was done stays done, and the rest comes again
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
  };
}

/** Writes what the claimed events say, and lets the recomputation of their customers travel with the commit. */
async function apply(
  tx: pg.PoolClient,
  { organizationId, events, now }: Batch,
  claims: readonly Claim[],
  locked: LockedCustomers,
  deferToCommit: DeferToCommit,
): Promise<BatchResult> {
  const isMeaningful = events.some((event, index) => claims[index] && event.interpretation.kind === "facts");
  if (!isMeaningful) return { outcomes: outcomesOf(events, claims), refusedMerges: [] };
  const facts = events.map((event, index) => (claims[index] ? factsOf(event) : []));
  const written = await writeFacts(tx, organizationId, locked, facts, now);
  deferToCommit(() => recompute(tx, organizationId, written.affectedCustomerIds, now));
  const outcomes = outcomesOf(events, claims, written.fresh);
  // An event that was processed before brings nothing new because of that. It stays processed.
  const stale = events.filter(
    (_, index) => outcomes[index] === "stale" && claims[index]?.earlier !== "processed",
  );
  deferToCommit(() => setEventStatus(tx, organizationId, stale, "stale"));
  return { outcomes, refusedMerges: written.refusedMerges };
}

function factsOf({ interpretation }: ReceivedEvent): readonly Fact[] {
  return interpretation.kind === "facts" ? interpretation.facts : [];
}

/** @param fresh for each event whether its facts were news */
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

/** Stores the one event of a batch, which cannot be processed now, without its effect. */
async function storeFailure(pool: pg.Pool, batch: Batch, error: unknown): Promise<BatchResult> {
  const interpretation = { kind: "failed", reason: describeFailure(error) } as const;
  const events = batch.events.map((event) => ({ ...event, interpretation }));
  const claims = await claimEvents(pool, { ...batch, events });
  return { outcomes: outcomesOf(events, claims), refusedMerges: [] };
}
