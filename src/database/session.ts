/**
 * Settings of every session, as arguments of a command line. Times are in UTC. Plans are generic because the
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
export const SESSION_PARAMETERS: readonly string[] = [
  ...["-c", "TimeZone=UTC"],
  ...["-c", "plan_cache_mode=force_generic_plan"],
  ...["-c", "jit=off"],
  ...["-c", "enable_seqscan=off"],
  ...["-c", "synchronous_commit=on"],
  ...["-c", "default_transaction_isolation=read committed"],
];

/**
 * Settings that only a Postgres takes. A client that vanished in the middle of a transaction leaves its locks behind, and
 * nobody else gets at those customers until the session ends; no transaction of ours is idle for a minute. The embedded
 * database is one session for all its clients, so it must not be ended.
 */
export const POSTGRES_PARAMETERS: readonly string[] = ["-c", "idle_in_transaction_session_timeout=60s"];
