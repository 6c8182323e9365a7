import type pg from "pg";

/**
 * Settings of every session, as Postgres writes them. Times are in UTC. Plans are generic because the
 * statements take arrays of any length over one organization: planning each anew costs more than it gains, and the
 * sixth execution must not differ from the fifth. Nor is any of them worth compiling. A generic plan is kept for the
 * connection's life, so it must not depend on how full the tables were when it was made: planned on an empty database,
 * the one statement would scan every table, and go on doing so (5 s instead of 5 ms after a first load). Every statement
 * has an index to go by; what reads whole tables turns scans on again in its own transaction.
 *
 * Two more are Postgres' own defaults, and stand here because a role or a database may have others. Without synchronous
 * commits a webhook would be answered 200 before it is durable. And the claims and locks rely on read committed: what
 * waited for another transaction must see what that one wrote.
 */
const SESSION_SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: "UTC",
  plan_cache_mode: "force_generic_plan",
  jit: "off",
  enable_seqscan: "off",
  synchronous_commit: "on",
  default_transaction_isolation: "read committed",
};

/** The same as arguments of a command line. */
export const SESSION_PARAMETERS: readonly string[] = Object.entries(SESSION_SETTINGS).flatMap(
  ([name, value]) => ["-c", `${name}=${value}`],
);

/**
 * What only a Postgres is told. A client that vanished in the middle of a transaction leaves its locks behind, and
 * nobody else gets at those customers until the session ends; no transaction of ours is idle for a minute. The embedded
 * database sends such clients away by itself. The others are Postgres' own defaults, which a role
 * or a database may have changed: the driver and the statements read and write values in these forms.
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

/** A role's limits are for people at a prompt. A migration or a first load takes the time it needs. */
const NO_LIMITS = { statement_timeout: "0", lock_timeout: "0", idle_session_timeout: "0" };

/** From Postgres 17 on. Asked for first, since an unknown setting would leave an error in the log of every connection. */
const NO_TRANSACTION_LIMIT = `
  case when current_setting('transaction_timeout', true) is not null then set_config('transaction_timeout', '0', false) end`;

/**
 * A session whose client gave a statement up goes on waiting for its lock, and as the pool opens another in its place,
 * they add up to all that Postgres has. So Postgres looks now and then whether we are still there, on systems that can look.
 */
const NOTICE_WHEN_WE_ARE_GONE = "set client_connection_check_interval = '2s'";

/**
 * Makes a new session what our statements rely on. By statements and not in the startup packet, which poolers refuse.
 *
 * @param settings the address's own, which win over a role's and lose against ours
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
  // The limit first, by itself: it may be too short for what follows.
  const prepared = client.query(
    `set statement_timeout = 0; select ${[...calls, NO_TRANSACTION_LIMIT].join(", ")}`,
  );
  client.query(NOTICE_WHEN_WE_ARE_GONE).catch(() => {});
  await prepared;
}
