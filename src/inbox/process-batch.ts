import type pg from "pg";
import { recompute } from "../analytics/recompute.js";
import { isOutOfMemory, isTooSlow, isUnavailable } from "../database/failures.js";
import { pipelined, type Queryable } from "../database/query.js";
import { inTransaction } from "../database/transaction.js";
import { describeFailure } from "../errors.js";
import type { MergeEdge } from "../facts/resolve-aliases.js";
import { lockFacts, writeFacts } from "../facts/write-facts.js";
import type { Arrival, Outcome } from "./arrival.js";
import { type Claimed, claimEvents, expectedOutcome, setEventStatus, takeEvents } from "./claims.js";

/** New events are claimed by storing them; events stored before are taken up again. */
export type BatchMode = "new" | "retry" | "replay";

/** How long the events of a batch that took too long are tried one by one: about two of them may take all the time of a statement. */
const AT_MOST_SLOW_MS = 15_000;

export interface BatchResult {
  /** How each event ended, by event id. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly refusedMerges: readonly MergeEdge[];
}

/**
 * Processes a batch of one organization's events, each id at most once, in one transaction: claim the ids, write the
 * facts, rewrite the affected customers' rows. If something in it cannot be processed the batch is halved until the
 * culprit stands alone, or taken apart at once where it is a matter of time; that one is stored as deferred (or dead, after
 * the last attempt) and harms no neighbour.
 *
 * When this resolves every event is durable.
 *
 * @param now the instant of computation
 * @throws when the database is unavailable: then nothing is known to be stored, and the sender must try again
 */
export function processBatch(
  pool: pg.Pool,
  organizationId: string,
  arrivals: readonly Arrival[],
  now: Date,
  mode: BatchMode = "new",
): Promise<BatchResult> {
  return processOrDivide(pool, { organizationId, arrivals, now, mode });
}

interface Batch {
  readonly organizationId: string;
  readonly arrivals: readonly Arrival[];
  readonly now: Date;
  readonly mode: BatchMode;
}

async function processOrDivide(pool: pg.Pool, batch: Batch): Promise<BatchResult> {
  const reached: Reached = { claimed: false };
  try {
    return await inTransaction(pool, (tx, deferToCommit) =>
      processTogether(tx, batch, reached, deferToCommit),
    );
  } catch (error) {
    // One event can need more time than a statement has, or more locks than there is memory for. It must not take its
    // neighbours along. If not even its id can be stored in time, it is the database that is slow.
    const asksTooMuch = isOutOfMemory(error) || (isTooSlow(error) && reached.claimed);
    if (isUnavailable(error) && !asksTooMuch) throw error;
    const { arrivals } = batch;
    if (arrivals.length === 1) return storeFailure(pool, batch, error);
    return isTooSlow(error)
      ? processApart(pool, batch, 1, { error, withinMs: AT_MOST_SLOW_MS })
      : processApart(pool, batch, Math.ceil(arrivals.length / 2));
  }
}

/**
 * Processes parts of a batch that failed, one after the other.
 *
 * @param limit what to throw when the parts take longer: what was done stays done, and the rest comes again
 */
async function processApart(
  pool: pg.Pool,
  batch: Batch,
  size: number,
  limit?: { readonly error: unknown; readonly withinMs: number },
): Promise<BatchResult> {
  const started = performance.now();
  const outcomes = new Map<string, Outcome>();
  const refusedMerges: MergeEdge[] = [];
  for (let at = 0; at < batch.arrivals.length; at += size) {
    if (limit && performance.now() - started > limit.withinMs) throw limit.error;
    const part = await processOrDivide(pool, { ...batch, arrivals: batch.arrivals.slice(at, at + size) });
    for (const [eventId, outcome] of part.outcomes) outcomes.set(eventId, outcome);
    refusedMerges.push(...part.refusedMerges);
  }
  return { outcomes, refusedMerges };
}

/** How far a transaction came. */
interface Reached {
  claimed: boolean;
}

async function processTogether(
  tx: pg.PoolClient,
  batch: Batch,
  reached: Reached,
  deferToCommit: (step: () => Promise<unknown>) => void,
): Promise<BatchResult> {
  const { organizationId, arrivals, now } = batch;
  reached.claimed = false;
  const factsOf = ({ meaning }: Arrival) => (meaning.kind === "facts" ? meaning.facts : []);
  // Duplicates are locked too, which costs less than to wait for who they are.
  const [claimed, locked] = await pipelined(
    tx,
    async () => {
      const ids = await claim(tx, batch);
      reached.claimed = true;
      return ids;
    },
    () => lockFacts(tx, organizationId, arrivals.flatMap(factsOf)),
  );
  const ours = arrivals.filter(({ event }) => claimed.has(event.event_id));
  const outcomes = new Map<string, Outcome>(
    arrivals.map((arrival) => [
      arrival.event.event_id,
      claimed.has(arrival.event.event_id) ? expectedOutcome(arrival) : "duplicate",
    ]),
  );
  const meaningful = ours.flatMap(({ event, meaning }) =>
    meaning.kind === "facts" ? [{ eventId: event.event_id, facts: meaning.facts }] : [],
  );
  if (meaningful.length === 0) return { outcomes, refusedMerges: [] };

  const written = await writeFacts(
    tx,
    organizationId,
    locked,
    meaningful.map(({ facts }) => facts),
    now,
  );
  deferToCommit(() => recompute(tx, organizationId, written.affectedCustomerIds, now));
  const stale = meaningful.filter((_, index) => !written.fresh[index]).map(({ eventId }) => eventId);
  // One that was processed is stale now because it was: it stays what it is.
  const becameStale = stale.filter((eventId) => claimed.get(eventId) !== "processed");
  deferToCommit(() => setEventStatus(tx, organizationId, becameStale, "stale"));
  for (const eventId of stale) outcomes.set(eventId, "stale");
  return { outcomes, refusedMerges: written.refusedMerges };
}

function claim(on: Queryable, { organizationId, arrivals, now, mode }: Batch): Promise<Claimed> {
  if (mode === "new") return claimEvents(on, organizationId, arrivals, now);
  return takeEvents(on, organizationId, arrivals, now, mode);
}

/** Stores the one event of a batch, which cannot be processed now, without its effect. */
async function storeFailure(pool: pg.Pool, batch: Batch, error: unknown): Promise<BatchResult> {
  const meaning = { kind: "failed", reason: describeFailure(error) } as const;
  const failed = batch.arrivals.map((arrival): Arrival => ({ ...arrival, meaning }));
  const claimed = await claim(pool, { ...batch, arrivals: failed });
  const outcomes = failed.map((arrival) => {
    const eventId = arrival.event.event_id;
    return [eventId, claimed.has(eventId) ? expectedOutcome(arrival) : "duplicate"] as const;
  });
  return { outcomes: new Map(outcomes), refusedMerges: [] };
}
