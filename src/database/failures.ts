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
 * 57P01 admin shutdown, 57P02 crash shutdown, 57P03 cannot connect now, 57P05 idle session timeout. 25006 read-only
 * transaction: the primary was demoted. 28P01 wrong password: it may be rotated just now. 28000 no access: a rule
 * refuses us. 3D000 unknown database: it may be restored just now.
 */
const UNAVAILABLE_STATES = new Set(["57P01", "57P02", "57P03", "57P05", "25006", "28P01", "28000", "3D000"]);

const OUT_OF_MEMORY = "53200";
const LOCK_NOT_AVAILABLE = "55P03";

/** Class 08: connection exception. Class 53: insufficient resources (connections, memory, disk). */
const UNAVAILABLE_CLASSES = new Set(["08", "53"]);

/** A certificate problem counts as unavailable, so that a webhook is answered 503 and delivered again. */
const CERTIFICATE_CODES =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_)/;

/** Messages of node-postgres and its pool for errors that have no code. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|The server does not support SSL|There was an error establishing an SSL|SASL)/;

/** The pool's message when no connection was free or none could be made in time. */
const LATE_CONNECTION = /^(timeout exceeded when trying to connect|timeout expired)/;

/** Prisma's codes, and the kinds of error of its driver adapter. */
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

/** Serialization failure and deadlock, then Prisma's names for both. */
const RETRYABLE = new Set(["40001", "40P01", "P2034", "TransactionWriteConflict"]);

/** 26000: the prepared statement does not exist. 42P05: another one has its name. */
const STALE_STATEMENT = new Set(["26000", "42P05"]);

/**
 * Whether the database could not be reached or went away. A later attempt may succeed. A webhook is answered 503
 * then, so Square delivers it again.
 */
export function isUnavailable(error: unknown): boolean {
  return linksOf(error).some(
    (link) =>
      link instanceof DatabaseUnavailable ||
      isMissingSocket(link) ||
      isStale(link) ||
      codesOf(link).some(isUnavailableCode) ||
      (link instanceof Error && !("code" in link) && DRIVER_MESSAGES.test(link.message)),
  );
}

/**
 * Whether the connection lost our prepared statements, or a table's columns changed since. The statement did not run.
 * It will run on a new connection.
 */
export function isStaleStatement(error: unknown): boolean {
  return linksOf(error).some(isStale);
}

/**
 * Whether the database ran out of memory, most often memory for locks. This counts as unavailable, but a smaller part
 * of the same work may succeed.
 */
export function isOutOfMemory(error: unknown): boolean {
  return linksOf(error).some((link) => codesOf(link).includes(OUT_OF_MEMORY));
}

/**
 * Whether a statement took longer than the query timeout. This counts as unavailable, but a smaller part of the same
 * work may succeed.
 */
export function isTooSlow(error: unknown): boolean {
  return linksOf(error).some((link) => link instanceof Error && link.message === "Query read timeout");
}

/**
 * Whether an answer or a connection did not come in time. The database is busy, or its host is silent.
 */
export function isLate(error: unknown): boolean {
  return linksOf(error).some(
    (link) => link instanceof Error && (isTooSlow(link) || LATE_CONNECTION.test(link.message)),
  );
}

/** Whether a lock was not granted within the session's `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return linksOf(error).some((link) => codesOf(link).includes(LOCK_NOT_AVAILABLE));
}

/**
 * Whether Postgres rolled the transaction back because it collided with another. It may succeed when it runs again.
 */
export function isRetryable(error: unknown): boolean {
  return linksOf(error).some((link) => codesOf(link).some((code) => RETRYABLE.has(code)));
}

/** What the server, the driver or the system says when a connection fails, and the advice for it. */
const EXPLANATIONS: readonly (readonly [when: RegExp, explain: (words: string) => string])[] = [
  [
    /unsupported startup parameter.*: options/,
    (words) =>
      `${refused(words)} Leave options out of DATABASE_URL, or write ignore_startup_parameters = options into ` +
      "pgbouncer.ini.",
  ],
  [
    /^(28\w{3} .*(no encryption|SSL off)|.*(sslmode=require|SSL\/TLS required|SSL connection is required))/i,
    (words) => `${refused(words)} Write sslmode=require into DATABASE_URL.`,
  ],
  [/^3D000 /, (words) => `${refused(words)} Create it, or name another in DATABASE_URL.`],
  [/^(28|08P01|42501|53|57P)/, (words) => `${refused(words)} Is DATABASE_URL right?`],
  [
    /client password must be/,
    () => "The database asks for a password: write USER:PASSWORD@ into DATABASE_URL.",
  ],
  [/^ *SASL/, (words) => `${refused(words)} Is the password in DATABASE_URL right?`],
  [
    /does not support SSL connections/,
    () => "The database does not encrypt: write sslmode=prefer or sslmode=disable into DATABASE_URL.",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID /,
    () =>
      "The database's certificate is for another host: name that host in DATABASE_URL, " +
      "or write sslmode=verify-ca with sslrootcert=FILE.",
  ],
  [
    CERTIFICATE_CODES,
    (words) =>
      `The database's certificate is not trusted (${said(words)}). Write into DATABASE_URL: sslrootcert=FILE with its ` +
      "authority's certificate, or sslmode=require to encrypt without verifying.",
  ],
  [
    /^(ERR_SSL|ERR_OSSL|ERR_TLS)|establishing an SSL connection/,
    (words) =>
      `The connection to the database cannot be encrypted (${said(words)}): check sslrootcert, sslcert and sslkey in ` +
      "DATABASE_URL.",
  ],
  [
    /^25006 /,
    (words) =>
      `The database is read-only (${said(words)}). Is it a replica, or is default_transaction_read_only on?`,
  ],
  [/^(ENOTFOUND|EAI_AGAIN) /, (words) => unreached(`its host is unknown (${said(words)})`)],
  [/^E[A-Z]+ connect/, (words) => unreached(said(words))],
  [/time|expired/, () => unreached("it does not answer")],
];

/**
 * Explains in one line why the database cannot be used. The line quotes the server or the driver. It may hold the
 * names of users, hosts and databases, but never a password.
 *
 * @returns undefined when the error is about something else
 */
export function explainUnavailable(error: unknown): string | undefined {
  if (!isUnavailable(error)) return undefined;
  for (const link of linksOf(error)) {
    if (!(link instanceof Error)) continue;
    const words = `${codesOf(link)[0] ?? ""} ${link.message}`;
    const found = EXPLANATIONS.find(([when]) => when.test(words));
    if (found) return found[1](words);
  }
  return "The database cannot be reached. Is it running, and is DATABASE_URL right?";
}

function said(words: string): string {
  return words.replace(/^\w* /, "").replace(/\.$/, "");
}

function refused(words: string): string {
  return `The database refuses the connection: ${said(words)}.`;
}

function unreached(why: string): string {
  return `The database cannot be reached: ${why}. Is it running, and is DATABASE_URL right?`;
}

function isUnavailableCode(code: string): boolean {
  return (
    NETWORK_CODES.has(code) ||
    UNAVAILABLE_STATES.has(code) ||
    PRISMA_UNAVAILABLE.has(code) ||
    CERTIFICATE_CODES.test(code) ||
    /^ERR_(O?SSL|TLS)_/.test(code) ||
    (code.length === 5 && UNAVAILABLE_CLASSES.has(code.slice(0, 2)))
  );
}

/**
 * "cached plan must not change result type" has no code of its own, and its text depends on the database's language.
 * So the routine in Postgres that raises it is compared.
 */
function isStale(link: object): boolean {
  const { code, routine }: { code?: unknown; routine?: unknown } = link;
  return STALE_STATEMENT.has(String(code)) || (code === "0A000" && routine === "RevalidateCachedQuery");
}

/** The socket of an embedded database whose owner has ended. */
function isMissingSocket(link: object): boolean {
  return "code" in link && link.code === "ENOENT" && "syscall" in link && link.syscall === "connect";
}

type Link = { cause?: unknown; errors?: unknown; meta?: { driverAdapterError?: unknown } };

/** The error, its cause, the parts of an aggregate (one for each address tried), and the error that Prisma wraps. */
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
