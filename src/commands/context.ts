import { readEnvFile } from "../config/env-file.js";
import { type Config, loadConfig } from "../config.js";
import { type Database, openDatabase } from "../database/database.js";
import { checkSchema, migrate } from "../database/migrate.js";
import { RegularsError } from "../errors.js";
import { requireUsableDatabase } from "../operations/database-checks.js";
import {
  openSubscriptions,
  type SubscriptionsApi,
  type SubscriptionsOptions,
} from "../square/api/subscriptions.js";
import { printable } from "./printable.js";
import { onStopSignal } from "./stop-signal.js";

/** The configuration for a command, which does not need the signature key. */
export function commandConfig(): Config {
  readEnvFile();
  return loadConfig(process.env, { require: "command" });
}

/**
 * Runs a command's work on the configured database and closes the database. Like `serve`, it migrates the embedded
 * database first. It does not migrate a Postgres, because other servers may use it.
 *
 * @param role `guest` when the work waits for what a server does
 * @throws RegularsError `schema_pending` when a Postgres has pending migrations
 */
export async function withDatabase<Result>(
  work: (database: Database, config: Config) => Promise<Result>,
  role: "command" | "guest" = "command",
): Promise<Result> {
  const config = commandConfig();
  const database = await openDatabase({ ...config.database, role });
  try {
    await requireUsableDatabase(database, { writes: false });
    if (database.kind === "embedded") await migrate(database);
    else await requireCurrentSchema(database);
    return await work(database, config);
  } finally {
    await database.close();
  }
}

async function requireCurrentSchema(database: Database): Promise<void> {
  const { pending } = await checkSchema(database);
  if (pending.length === 0) return;
  throw new RegularsError(
    "schema_pending",
    `The database lacks ${pending.length} migration(s): run "npm run regulars -- migrate" first.`,
  );
}

/** The webhook subscriptions of the configured application. Undefined without SQUARE_APPLICATION_ACCESS_TOKEN. */
export function subscriptionsOf(
  { applicationAccessToken: accessToken, environment, baseUrl }: Config["square"],
  options: Pick<SubscriptionsOptions, "attempts" | "timeoutMs" | "signal"> = {},
): SubscriptionsApi | undefined {
  if (accessToken === undefined) return undefined;
  return openSubscriptions({ accessToken, environment, baseUrl, ...options });
}

/**
 * Finds the organization with this id or merchant id. Without a name there must be exactly one organization.
 *
 * @throws RegularsError `no_organization`, `organization_unclear`
 */
export async function chooseOrganization(database: Database, named: string | undefined) {
  const organizations = await database.prisma.organization.findMany({
    orderBy: { createdAt: "asc" },
    select: { id: true, name: true, squareMerchantId: true },
  });
  const found =
    named === undefined
      ? organizations
      : organizations.filter(({ id, squareMerchantId }) => id === named || squareMerchantId === named);
  const [only] = found;
  if (only && found.length === 1) return only;
  if (organizations.length === 0) {
    throw new RegularsError(
      "no_organization",
      'There is no organization yet. Connect a seller with "connect", or add one with "org add".',
    );
  }
  throw new RegularsError(
    "organization_unclear",
    named === undefined
      ? "There are several organizations. Choose one with --organization ID (see org list)."
      : "No organization has this id or merchant id (see org list).",
  );
}

/** Prints a command's answer: one JSON value with --json, otherwise lines for people. */
export function print(json: boolean | undefined, value: unknown, lines: readonly string[] | string): void {
  write(process.stdout, json ? [JSON.stringify(value)] : [lines].flat());
}

/** Prints lines on standard error, which are not part of the answer. */
export function note(...lines: readonly string[]): void {
  write(process.stderr, lines);
}

function write(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  stream.write(`${lines.map(printable).join("\n")}\n`);
}

/** Aborts on SIGINT or SIGTERM, so that long work stops at the next safe point. A later signal kills the process. */
export function signalOfStop(): AbortSignal {
  const stop = new AbortController();
  onStopSignal(() => stop.abort());
  return stop.signal;
}
