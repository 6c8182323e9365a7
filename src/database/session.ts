/**
 * Settings of every session, as Postgres takes them on a command line. Times are in UTC. Plans are generic because the
 * statements take arrays of any length over one organization: planning each anew costs more than it gains, and the
 * sixth execution must not differ from the fifth. Nor is any of them worth compiling.
 */
export const SESSION_PARAMETERS: readonly string[] = [
  ...["-c", "TimeZone=UTC"],
  ...["-c", "plan_cache_mode=force_generic_plan"],
  ...["-c", "jit=off"],
];
