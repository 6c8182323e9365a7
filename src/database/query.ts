import { createHash } from "node:crypto";
import pg from "pg";
import { isStaleStatement } from "./failures.js";

/**
 * A statement of the program: `name` is for people (pg_stat_activity, plans, logs), `text` is the SQL with $1, $2, ...
 * Both are constants of the source: each distinct text stays prepared on every connection for its life, so a value
 * never goes into the text.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Anything statements run on: a pool, a client of it, or a transaction (which is a client too). */
export type Queryable = pg.Pool | pg.PoolClient;

const preparedNames = new Map<string, string>();

/**
 * Runs one statement. It is prepared once per connection and then only bound and executed: planning the one statement
 * takes ten times as long as running it for one customer (37 ms and 4 ms on the embedded database).
 *
 * @returns the rows; int8 comes as bigint, numeric and date as string, timestamptz as Date.
 */
export async function query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
  on: Queryable,
  statement: Statement,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  const config = { name: preparedName(statement), text: statement.text, values: [...values] };
  return on instanceof pg.Pool ? onFreshConnection(on, () => on.query<Row>(config)) : on.query<Row>(config);
}

/**
 * Runs one statement without keeping it prepared, so that it is planned for the tables as they are now: for statements that
 * walk through tables, whose best plan depends on how full these are. For one customer's rows `query` is much faster.
 *
 * @param types how values are read, where that is not the pool's way
 */
export async function queryUnprepared<Row extends pg.QueryResultRow = pg.QueryResultRow>(
  on: Queryable,
  { text }: Statement,
  values: readonly unknown[] = [],
  types?: pg.CustomTypesConfig,
): Promise<pg.QueryResult<Row>> {
  return on.query<Row>({ text, values: [...values], ...(types && { types }) });
}

/**
 * Runs work again when its connection had lost prepared statements. The work drops such a connection, so the next attempt has
 * another, and after as many as the pool may have it has a new one.
 */
export async function onFreshConnection<Result>(pool: pg.Pool, work: () => Promise<Result>): Promise<Result> {
  for (let stale = 0; ; stale += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isStaleStatement(error) || stale === pool.options.max) throw error;
    }
  }
}

type Answers<Steps extends readonly (() => Promise<unknown>)[]> = {
  -readonly [Index in keyof Steps]: Awaited<ReturnType<Steps[Index]>>;
};

/** Runs steps that need nothing of each other's answers, in their order: their statements travel together and save round trips. */
export async function pipelined<const Steps extends readonly (() => Promise<unknown>)[]>(
  ...steps: Steps
): Promise<Answers<Steps>> {
  return (await Promise.all(steps.map((step) => step()))) as Answers<Steps>;
}

/** Readable, and unique per text; well under the 63 bytes at which Postgres cuts names off. */
function preparedName({ name, text }: Statement): string {
  let prepared = preparedNames.get(text);
  if (prepared === undefined) {
    prepared = `${name.slice(0, 40)}_${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
    preparedNames.set(text, prepared);
  }
  return prepared;
}

/** The longest time a timer of Node takes. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** A statement that may take as long as it needs, even on a pool with a `queryTimeoutMs`. */
export function withoutTimeout(text: string, values?: unknown[]): pg.QueryConfig {
  const config = { text, query_timeout: NO_TIMEOUT_MS };
  return values ? { ...config, values } : config;
}
