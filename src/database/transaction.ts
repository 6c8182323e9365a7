import { setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { RegularsError, TransactionContended, TransactionRolledBack } from "../errors.js";
import { span } from "../tracing.js";
import { isRetryable, isUnavailable } from "./failures.js";
import { onFreshConnection, pipelined } from "./query.js";

/** How often a transaction is tried before its collision counts as an error. */
const ATTEMPTS = 6;

/** The longest wait before the second attempt, in milliseconds. It doubles with each further attempt. */
const FIRST_WAIT_MS = 8;

/** Thrown by work to roll its transaction back and run again, because what it read has changed. */
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
 * Runs `work` in one transaction and commits it. When this resolves, the effect is durable. When this rejects, there
 * is no effect. The one exception: if the connection breaks during the commit, the outcome is unknown
 * (`isUnavailable`).
 *
 * After a collision (serialization failure, deadlock, RetryTransaction) the transaction is rolled back, and `work`
 * runs again from its start. So `work` must keep nothing from an earlier attempt. It also runs again, on another
 * connection, when its connection has lost prepared statements.
 *
 * @param work may pass its last statements to `deferToCommit`. They are sent with the commit, which saves a round
 *   trip. Each step is one statement whose answer is not needed. If one fails, Postgres rolls back.
 * @param begin the statements that begin the transaction, sent as one
 * @throws TransactionContended when every attempt collided
 * @throws TransactionRolledBack when a deferred or swallowed statement failed
 * @throws what `work` or the database threw
 */
export function inTransaction<Result>(pool: pg.Pool, work: Work<Result>, begin = "begin"): Promise<Result> {
  return span("transaction", () => attemptUntilCommitted(pool, work, begin));
}

async function attemptUntilCommitted<Result>(
  pool: pg.Pool,
  work: Work<Result>,
  begin: string,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await onFreshConnection(pool, () => attemptOnce(pool, work, begin));
    } catch (error) {
      if (!(error instanceof RetryTransaction) && !isRetryable(error)) throw error;
      if (attempt === ATTEMPTS) throw new TransactionContended(attempt, { cause: error });
      await wait(Math.random() * FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  }
}

async function attemptOnce<Result>(pool: pg.Pool, work: Work<Result>, begin: string): Promise<Result> {
  const tx = await span("connection", () => pool.connect());
  // A connection that breaks between two statements emits an error. Without a listener it would end the process. The
  // next statement fails with the same error.
  tx.on("error", ignore);
  let broken: Error | undefined;
  const last: (() => Promise<unknown>)[] = [];
  try {
    // `begin` fails only when the connection fails. Then the first statement of `work` fails too.
    const [, result] = await pipelined(
      () => tx.query(begin),
      () => work(tx, (step) => last.push(step)),
    );
    const commit = () => span("commit", () => tx.query("commit"));
    const { command } = (await pipelined(...last, commit)).at(-1) as pg.QueryResult;
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

/** Rolls back. Returns an error when the connection is unusable and must not go back to the pool. */
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
