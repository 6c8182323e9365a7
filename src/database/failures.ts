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

/**
 * Administrator's shutdown, crash shutdown, cannot connect now; read-only is a primary that was just demoted. The last
 * three refuse a connection: a password that is being rotated, a rule that keeps us out, a database that is being restored.
 */
const UNAVAILABLE_STATES = new Set(["57P01", "57P02", "57P03", "25006", "28P01", "28000", "3D000"]);

const OUT_OF_MEMORY = "53200";

/** Class 08: connection exception. Class 53: insufficient resources (connections, memory, disk). */
const UNAVAILABLE_CLASSES = new Set(["08", "53"]);

/** What node-postgres and its pool say without a code. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end)/;

/** Prisma's own codes, and the kinds that its driver adapter turns errors into. */
const PRISMA_UNAVAILABLE = new Set([
  "P1001",
  "P1002",
  "P1008",
  "P1017",
  "P2024",
  "DatabaseNotReachable",
  "ConnectionClosed",
  "SocketTimeout",
  "TooManyConnections",
]);

/** Serialization failure, deadlock; then what Prisma calls both. */
const RETRYABLE = new Set(["40001", "40P01", "P2034", "TransactionWriteConflict"]);

/**
 * Whether the database could not be reached or went away: nothing is known to be wrong with the statement, and
 * a later attempt may succeed. A webhook answers 503 then, so that Square delivers again.
 */
export function isUnavailable(error: unknown): boolean {
  return linksOf(error).some(
    (link) =>
      link instanceof DatabaseUnavailable ||
      isMissingSocket(link) ||
      codesOf(link).some(isUnavailableCode) ||
      (link instanceof Error && !("code" in link) && DRIVER_MESSAGES.test(link.message)),
  );
}

/**
 * Whether the database ran out of memory, for locks above all: it counts as unavailable, but a smaller piece of the
 * same work may well succeed.
 */
export function isOutOfMemory(error: unknown): boolean {
  return linksOf(error).some((link) => codesOf(link).includes(OUT_OF_MEMORY));
}

/**
 * Whether a statement did not answer in its time: that counts as unavailable, but it may simply have been asked for too much,
 * and a smaller piece of the same work may well succeed.
 */
export function isTooSlow(error: unknown): boolean {
  return linksOf(error).some((link) => link instanceof Error && link.message === "Query read timeout");
}

/** Whether the same transaction, begun anew, may well succeed: it lost a race, and Postgres undid it. */
export function isRetryable(error: unknown): boolean {
  return linksOf(error).some((link) => codesOf(link).some((code) => RETRYABLE.has(code)));
}

function isUnavailableCode(code: string): boolean {
  return (
    NETWORK_CODES.has(code) ||
    UNAVAILABLE_STATES.has(code) ||
    PRISMA_UNAVAILABLE.has(code) ||
    (code.length === 5 && UNAVAILABLE_CLASSES.has(code.slice(0, 2)))
  );
}

/** The socket of an embedded database whose owner is gone. */
function isMissingSocket(link: object): boolean {
  return "code" in link && link.code === "ENOENT" && "syscall" in link && link.syscall === "connect";
}

type Link = { cause?: unknown; errors?: unknown; meta?: { driverAdapterError?: unknown } };

/** The error, what caused it, the parts of an aggregate (one per address tried), and what Prisma wraps. */
function linksOf(error: unknown, depth = 0): object[] {
  if (typeof error !== "object" || error === null || depth > 5) return [];
  const { cause, errors, meta }: Link = error;
  const parts = [cause, ...(Array.isArray(errors) ? errors : []), meta?.driverAdapterError];
  return [error, ...parts.flatMap((part) => linksOf(part, depth + 1))];
}

function codesOf(link: object): string[] {
  const { code, kind, originalCode }: { code?: unknown; kind?: unknown; originalCode?: unknown } = link;
  return [code, kind, originalCode].filter((value) => typeof value === "string");
}
