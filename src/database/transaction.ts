import { setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { RegularsError, TransactionContended, TransactionRolledBack } from "../errors.js";
import { isRetryable, isUnavailable } from "./failures.js";
import { onFreshConnection, pipelined } from "./query.js";

/** How often one piece of work runs again before its collision counts as an error. */
const ATTEMPTS = 6;

/** The longest wait before the second attempt, in milliseconds; it doubles with each further one. */
const FIRST_WAIT_MS = 8;

/** Thrown by work that wants its transaction undone and itself run again, because what it read has moved. */
export class RetryTransaction extends RegularsError {
  constructor(message = "What this transaction read has changed") {
    super("retry_transaction", message);
  }
}

type Work<Result> = (
  tx: pg.PoolClient,
  deferToCommit: (step: () => Promise<unknown>) => void,
) => Promise<Result>;

/**
 * Runs `work` in one transaction and commits it: when this resolves, the effect is durable. When it rejects, there
 * is no effect, with one exception no client can rule out: a connection that breaks while the commit is on its way
 * leaves the outcome unknown (`isUnavailable`). Work that lost a race (serialization failure, deadlock, RetryTransaction)
 * is undone and run again from its start, so it must keep no results of an earlier attempt. So is work whose connection has
 * lost its prepared statements, on another connection.
 *
 * @param work may leave its last steps to travel with the commit, which saves a round trip: each of one statement, whose
 *   answer nothing needs. Where one of them fails Postgres rolls back instead of committing.
 * @throws TransactionContended when every attempt lost; otherwise whatever `work` or the database threw.
 */
export async function inTransaction<Result>(pool: pg.Pool, work: Work<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await onFreshConnection(pool, () => attemptOnce(pool, work));
    } catch (error) {
      if (!(error instanceof RetryTransaction) && !isRetryable(error)) throw error;
      if (attempt === ATTEMPTS) throw new TransactionContended(attempt, { cause: error });
      await wait(Math.random() * FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  }
}

async function attemptOnce<Result>(pool: pg.Pool, work: Work<Result>): Promise<Result> {
  const tx = await pool.connect();
  // A connection that breaks between two statements reports it as an event, which unheard would end the process.
  // The next statement fails with it anyway.
  tx.on("error", ignore);
  let broken: Error | undefined;
  const last: (() => Promise<unknown>)[] = [];
  try {
    // If `begin` fails, so does the connection, and with it the work's first statement.
    const [, result] = await pipelined(
      () => tx.query("begin"),
      () => work(tx, (step) => last.push(step)),
    );
    const { command } = (await pipelined(...last, () => tx.query("commit"))).at(-1) as pg.QueryResult;
    if (command !== "COMMIT") throw new TransactionRolledBack();
    return result;
  } catch (error) {
    broken = await undo(tx, error);
    throw error;
  } finally {
    tx.off("error", ignore);
    tx.release(broken);
  }
}

/** Rolls back; returns an error when the connection can no longer be trusted and must not go back to the pool. */
async function undo(tx: pg.PoolClient, error: unknown): Promise<Error | undefined> {
  if (error instanceof TransactionRolledBack) return undefined;
  if (error instanceof Error && isUnavailable(error)) return error;
  try {
    await tx.query("rollback");
    return undefined;
  } catch (failure) {
    return failure instanceof Error ? failure : new Error("rollback failed", { cause: failure });
  }
}

function ignore(): void {}
