/**
 * The one family of errors. `code` is stable: it is what an API client, a log search or a test may rely on,
 * while the message is for people and may be reworded.
 */
export class RegularsError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The environment cannot be run with; the message lists every problem and never a secret's value. */
export class ConfigurationError extends RegularsError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    super("configuration_invalid", `The configuration has ${counted(problems.length)}:\n${list}`);
    this.problems = problems;
  }
}

/** What was asked for cannot be: the message says what the parameter may be, and never repeats what was sent. */
export class InvalidParameter extends RegularsError {
  readonly parameter: string;

  constructor(parameter: string, message: string) {
    super("invalid_request", message);
    this.parameter = parameter;
  }
}

/** What was given as a cursor is none that an answer has given for this list. */
export class InvalidCursor extends RegularsError {
  constructor(message: string) {
    super("invalid_cursor", message);
  }
}

/** The database cannot be reached, or went away before it answered; trying again later may help. */
export class DatabaseUnavailable extends RegularsError {
  constructor(message: string, options?: ErrorOptions) {
    super("database_unavailable", message, options);
  }
}

/** Another session holds a lock, and work in the background does not wait for it any longer. */
export class LockedElsewhere extends RegularsError {
  constructor(message: string, options?: ErrorOptions) {
    super("locked_elsewhere", message, options);
  }
}

/** A transaction ran again as often as allowed and still collided with others. */
export class TransactionContended extends RegularsError {
  constructor(attempts: number, options?: ErrorOptions) {
    super("transaction_contended", `The transaction gave way to others ${attempts} times`, options);
  }
}

/** The database answered a commit with a rollback: a failed statement's error was swallowed inside the work. */
export class TransactionRolledBack extends RegularsError {
  constructor() {
    super(
      "transaction_rolled_back",
      "The transaction was rolled back at commit: a statement in it had failed",
    );
  }
}

/** The database's schema is not one that this build may run on or migrate. */
export class SchemaMismatch extends RegularsError {
  constructor(message: string) {
    super("schema_mismatch", message);
  }
}

/** A migration's SQL failed and was undone; `cause` is what the database said. */
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
    super("data_dir_in_use", `${dataDir} is in use by process ${ownerPid}: one server owns it at a time`);
    this.ownerPid = ownerPid;
  }
}

/** The embedded database's folder cannot be used as it is. */
export class DataDirUnusable extends RegularsError {
  constructor(message: string, options?: ErrorOptions) {
    super("data_dir_unusable", message, options);
  }
}

/**
 * What may be kept and shown of a failure: its kind, and the message of our own errors only. A database's message can
 * quote a value, and values are personal data.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  const constraint =
    "constraint" in error && typeof error.constraint === "string" ? ` on ${error.constraint}` : "";
  return `${error.name}${code}${constraint}`;
}

/** Something that a pull or a sweep could not do. What it concerns stays as it was, and its watermark stays too. */
export interface ReportedError {
  /** NULL when it concerns no single organization. */
  readonly organization_id: string | null;
  /** What was being done: `payments`, `bookings`, `events`, ..., `check`. */
  readonly step: string;
  readonly code: string;
  readonly message: string;
}

/** How many errors of one organization and step a report names: a broken list could bring one for each of its objects. */
const NAMED = 20;

/** Adds an error to a report's list. After 20 of one organization and step, one entry says that there are more. */
export function noteError(errors: ReportedError[], error: ReportedError): void {
  const { organization_id, step } = error;
  const named = errors.filter((other) => other.organization_id === organization_id && other.step === step);
  if (named.length < NAMED) errors.push(error);
  else if (named.length === NAMED) {
    errors.push({ organization_id, step, code: "more_errors", message: "Further ones are not named." });
  }
}

/** Notes a failure in words that hold no personal data: the message of our own errors, the kind of any other. */
export function noteFailure(
  errors: ReportedError[],
  organizationId: string | null,
  step: string,
  error: unknown,
): void {
  const told =
    error instanceof RegularsError
      ? { code: error.code, message: error.message }
      : { code: "internal_error", message: describeFailure(error) };
  noteError(errors, { organization_id: organizationId, step, ...told });
}

function counted(problems: number): string {
  return problems === 1 ? "one problem" : `${problems} problems`;
}
