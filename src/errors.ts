/**
 * The base of all our errors. `code` is stable: API clients, log searches and tests may rely on it. The message is
 * for people and may change.
 */
export class RegularsError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The environment variables are wrong. The message lists every problem and never quotes a value. */
export class ConfigurationError extends RegularsError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    super("configuration_invalid", `The configuration has ${counted(problems.length)}:\n${list}`);
    this.problems = problems;
  }
}

/** A request's parameter is wrong. The message says what the parameter may be and never quotes its value. */
export class InvalidParameter extends RegularsError {
  readonly parameter: string;

  constructor(parameter: string, message: string) {
    super("invalid_request", message);
    this.parameter = parameter;
  }
}

/** The cursor is not one of this list's. */
export class InvalidCursor extends RegularsError {
  readonly parameter: string;

  constructor(parameter: string, message: string) {
    super("invalid_cursor", message);
    this.parameter = parameter;
  }
}

/** The database cannot be reached, or went away before it answered. A later attempt may succeed. */
export class DatabaseUnavailable extends RegularsError {
  constructor(message: string, options?: ErrorOptions) {
    super("database_unavailable", message, options);
  }
}

/** Another session held a lock for longer than background work waits. */
export class LockedElsewhere extends RegularsError {
  constructor(message: string, options?: ErrorOptions) {
    super("locked_elsewhere", message, options);
  }
}

/** A transaction collided with others in each of its attempts. */
export class TransactionContended extends RegularsError {
  constructor(attempts: number, options?: ErrorOptions) {
    super("transaction_contended", `The transaction collided with others ${attempts} times`, options);
  }
}

/** The database answered a commit with a rollback, because an earlier statement of the transaction had failed. */
export class TransactionRolledBack extends RegularsError {
  constructor() {
    super(
      "transaction_rolled_back",
      "The transaction was rolled back at commit: a statement in it had failed",
    );
  }
}

/** This build can neither run on the database's schema nor migrate it. */
export class SchemaMismatch extends RegularsError {
  constructor(message: string) {
    super("schema_mismatch", message);
  }
}

/** A migration's SQL failed and was rolled back. `cause` is the database's error. */
export class MigrationFailed extends RegularsError {
  constructor(migration: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super("migration_failed", `Migration ${migration} failed: ${reason}`, { cause });
  }
}

/** Another process owns the embedded database's folder. */
export class DataDirInUse extends RegularsError {
  readonly ownerPid: number;

  constructor(dataDir: string, ownerPid: number) {
    super("data_dir_in_use", `${dataDir} is in use by process ${ownerPid}: only one server can own it`);
    this.ownerPid = ownerPid;
  }
}

/** No server runs on the embedded database's folder, and the command needs one. */
export class NoServer extends RegularsError {
  constructor(dataDir: string) {
    super("no_server", `No server runs on DATA_DIR ${dataDir}: start it first, in another terminal`);
  }
}

/** The embedded database's folder cannot be used. */
export class DataDirUnusable extends RegularsError {
  constructor(message: string, options?: ErrorOptions) {
    super("data_dir_unusable", message, options);
  }
}

/**
 * Describes a failure by its name and code. The message is left out: a database's message can quote a value, and
 * values are personal data.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  const constraint =
    "constraint" in error && typeof error.constraint === "string" ? ` on ${error.constraint}` : "";
  return `${error.name}${code}${constraint}`;
}

/** An error of a pull or a sweep. The objects it concerns are unchanged, and so is their watermark. */
export interface ReportedError {
  /** Null when the error does not concern a single organization. */
  readonly organization_id: string | null;
  /** The step that failed: `payments`, `bookings`, `events`, ..., `check`. */
  readonly step: string;
  readonly code: string;
  readonly message: string;
}

/** How many errors of one organization and step a report names. A broken list could cause one for each object. */
const NAMED = 20;

/**
 * Adds an error to a report's list. After 20 errors of one organization and step, one entry says that more follow.
 */
export function noteError(errors: ReportedError[], error: ReportedError): void {
  const { organization_id, step } = error;
  const named = errors.filter((other) => other.organization_id === organization_id && other.step === step);
  if (named.length < NAMED) errors.push(error);
  else if (named.length === NAMED) {
    errors.push({ organization_id, step, code: "more_errors", message: "Further errors are not listed." });
  }
}

/** Adds a failure to a report's list without personal data: the message of our own errors, the kind of any other. */
export function noteFailure(
  errors: ReportedError[],
  organizationId: string | null,
  step: string,
  error: unknown,
): void {
  const described =
    error instanceof RegularsError
      ? { code: error.code, message: error.message }
      : { code: "internal_error", message: describeFailure(error) };
  noteError(errors, { organization_id: organizationId, step, ...described });
}

function counted(problems: number): string {
  return problems === 1 ? "one problem" : `${problems} problems`;
}
