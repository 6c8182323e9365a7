import { createHash } from "node:crypto";
import type pg from "pg";

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

/** Pools, and the clients they opened, that share one database session with others. */
const sharedSessions = new WeakSet<object>();

const preparedNames = new Map<string, string>();

/**
 * Runs one statement. On Postgres it is prepared once per connection and then only bound and executed. On the
 * embedded database it is planned each time: its clients share one session, in which their names would collide.
 *
 * @returns the rows; int8 comes as bigint, numeric and date as string, timestamptz as Date.
 */
export async function query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
  on: Queryable,
  statement: Statement,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  const { text } = statement;
  const prepared = sharedSessions.has(on) ? {} : { name: preparedName(statement) };
  return on.query<Row>({ ...prepared, text, values: [...values] });
}

/** Marks a pool, and every client it opens from now on, as sharing one session: nothing is prepared by name there. */
export function shareSession(pool: pg.Pool): void {
  sharedSessions.add(pool);
  pool.on("connect", (client) => sharedSessions.add(client));
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
