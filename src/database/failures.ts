import { DatabaseUnavailable } from "../errors.js";

const NETWORK_CODES = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

/** Administrator's shutdown, crash shutdown, cannot connect now; read-only is a primary that was just demoted. */
const UNAVAILABLE_STATES = new Set(["57P01", "57P02", "57P03", "25006"]);

/** Class 08: connection exception. Class 53: insufficient resources (connections, memory, disk). */
const UNAVAILABLE_CLASSES = new Set(["08", "53"]);

/** What node-postgres and its pool say without a code. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** Prisma: can't reach, timed out, server closed the connection, no connection from the pool. */
const PRISMA_UNAVAILABLE = new Set(["P1001", "P1002", "P1008", "P1017", "P2024"]);

/** Serialization failure, deadlock; P2034 is Prisma's name for both. */
const RETRYABLE = new Set(["40001", "40P01", "P2034"]);

/**
 * Whether the database could not be reached or went away: nothing is known to be wrong with the statement, and
 * a later attempt may succeed. A webhook answers 503 then, so that Square delivers again.
 */
export function isUnavailable(error: unknown): boolean {
  return chainOf(error).some((link) => {
    if (link instanceof DatabaseUnavailable) return true;
    const code = codeOf(link);
    if (code === undefined) return DRIVER_MESSAGES.test(link.message);
    return (
      NETWORK_CODES.has(code) ||
      UNAVAILABLE_STATES.has(code) ||
      PRISMA_UNAVAILABLE.has(code) ||
      isSqlState(code, UNAVAILABLE_CLASSES) ||
      // The socket of an embedded database whose owner is gone.
      (code === "ENOENT" && "syscall" in link && link.syscall === "connect")
    );
  });
}

/** Whether the same transaction, begun anew, may well succeed: it lost a race, and Postgres undid it. */
export function isRetryable(error: unknown): boolean {
  return chainOf(error).some((link) => RETRYABLE.has(codeOf(link) ?? ""));
}

/** The error, what caused it, and the parts of an aggregate (one per address that was tried). */
function chainOf(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const parts = error instanceof AggregateError ? error.errors : [];
  return [error, ...[error.cause, ...parts].flatMap((link) => chainOf(link, depth + 1))];
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function isSqlState(code: string, classes: Set<string>): boolean {
  return code.length === 5 && classes.has(code.slice(0, 2));
}
