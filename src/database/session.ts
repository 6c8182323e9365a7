import type pg from "pg";

/**
 * Settings of every session, as Postgres writes them. Times are in UTC.
 *
 * `plan_cache_mode`: planning a statement anew costs more than a better plan saves. A generic plan also keeps the
 * sixth execution like the fifth. `jit`: no statement runs long enough to be worth compiling.
 *
 * `enable_seqscan`: a connection keeps a generic plan until it ends, so the plan must not depend on the tables'
 * sizes. On an empty database Postgres would plan to scan every table. After a first load the one statement would
 * then take 5 s instead of 5 ms. Every statement has an index. What reads whole tables turns scans on in its own
 * transaction.
 *
 * The last two are Postgres' defaults. They are set because a role or a database may have others. Without synchronous
 * commits a webhook could be answered 200 before it is durable. Claims and locks need read committed: after waiting
 * for another transaction, a statement must see what that one wrote.
 */
const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: "UTC",
  plan_cache_mode: "force_generic_plan",
  jit: "off",
  enable_seqscan: "off",
  synchronous_commit: "on",
  default_transaction_isolation: "read committed",
};

/** The same settings as command-line arguments. */
export const SESSION_PARAMETERS: readonly string[] = Object.entries(SESSION_SETTINGS).flatMap(
  ([name, value]) => ["-c", `${name}=${value}`],
);

/**
 * Settings for Postgres only. `idle_in_transaction_session_timeout`: a client that vanishes in a transaction keeps
 * its locks until the session ends. None of our transactions is idle for a minute. The embedded database has its own
 * limit.
 *
 * The others are Postgres' defaults. They are set because a role or a database may have others. The driver and the
 * statements read and write values in these forms.
 */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  ...SESSION_SETTINGS,
  idle_in_transaction_session_timeout: "1min",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
  standard_conforming_strings: "on",
  array_nulls: "on",
};

/** A role's limits are meant for people at a prompt. A migration or a first load may take longer. */
const NO_LIMITS = { statement_timeout: "0", lock_timeout: "0", idle_session_timeout: "0" };

/** Exists since Postgres 17. Setting an unknown one would write an error into Postgres' log for every connection. */
const NO_TRANSACTION_LIMIT = `
  case when current_setting('transaction_timeout', true) is not null then set_config('transaction_timeout', '0', false) end`;

/**
 * After a query timeout the pool opens another connection, but the old session still waits for its lock. Such
 * sessions could use up all connections. With this setting Postgres checks whether the client still exists. Some
 * systems do not support it.
 */
const NOTICE_WHEN_WE_ARE_GONE = "set client_connection_check_interval = '2s'";

/**
 * Sets up a new session for our statements. It uses statements, because poolers refuse settings in the startup
 * packet.
 *
 * @param settings those of the address; they override a role's settings, and ours override them
 */
export async function prepareSession(
  client: pg.ClientBase,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const ours = new Set(Object.keys(POSTGRES_SETTINGS).map((name) => name.toLowerCase()));
  const theirs = Object.entries(settings).filter(([name]) => !ours.has(name));
  const all = Object.entries({ ...NO_LIMITS, ...Object.fromEntries(theirs), ...POSTGRES_SETTINGS });
  const calls = all.map(([name, value]) => {
    return `set_config(${client.escapeLiteral(name)}, ${client.escapeLiteral(value)}, false)`;
  });
  // A separate statement, because the role's limit may be too short for the next one.
  const prepared = client.query(
    `set statement_timeout = 0; select ${[...calls, NO_TRANSACTION_LIMIT].join(", ")}`,
  );
  client.query(NOTICE_WHEN_WE_ARE_GONE).catch(() => {});
  await prepared;
}
