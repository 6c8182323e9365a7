import pg from "pg";
import type { Clock } from "../clock.js";
import { isLoopback } from "../config/host.js";
import type { Database } from "../database/database.js";
import { explainUnavailable } from "../database/failures.js";
import { checkSchema, ownTables } from "../database/migrate.js";
import { POSTGRES_SETTINGS } from "../database/session.js";
import { RegularsError } from "../errors.js";
import { type Finding, fail, pass, skipped, warning } from "./finding.js";

/** How far the database's clock may differ from ours before a warning, and before a failure, in milliseconds. */
const CLOCK_WARNS_MS = 2_000;
const CLOCK_FAILS_MS = 30_000;

/** How often two sessions are compared. A pooler with several connections may pass a single comparison by chance. */
const POOLER_TRIES = 3;

interface About {
  readonly database: string;
  readonly role: string;
  readonly version: number;
  readonly encoding: string;
  readonly schema: string | null;
  readonly search_path: string;
  readonly read_only: boolean;
  readonly replica: boolean;
  readonly may_create: boolean;
  readonly clock: Date;
}

/**
 * Refuses a database on which this program would fail later or store wrong data. It changes nothing.
 *
 * @param writes whether a read-only database is refused too
 * @throws RegularsError `database_unusable`, with one line for each reason that says what to do
 */
export async function requireUsableDatabase(
  database: Database,
  { writes }: { readonly writes: boolean },
): Promise<void> {
  const about = await readAbout(database);
  const checks = [checkVersion, checkEncoding, checkSearchPath, ...(writes ? [checkWrites] : [])];
  refuseFailed(checks.map((check) => check(about)));
  if (database.kind === "embedded") return;
  refuseFailed([await checkSession(database), await checkPooler(database)]);
  refuseFailed([await checkRights(database, about)]);
}

function refuseFailed(findings: readonly Finding[]): void {
  const failed = findings.filter(({ status }) => status === "fail");
  if (failed.length === 0) return;
  const lines = failed.map(({ message, remedy }) => (remedy ? `${message}: ${remedy}` : message));
  throw new RegularsError("database_unusable", lines.join("\n"));
}

/** @throws when the database does not answer */
export async function takesWrites(database: Database): Promise<boolean> {
  return checkWrites(await readAbout(database)).status === "pass";
}

/** Runs every check of the database. If it does not answer, that is the only finding. */
export async function* checkDatabase(database: Database, clock: Clock): AsyncGenerator<Finding> {
  let about: About;
  const askedAt = clock();
  try {
    about = await readAbout(database);
  } catch (error) {
    const message = explainUnavailable(error) ?? (error instanceof Error ? error.message : String(error));
    yield fail(
      "database",
      message,
      "start the database or correct DATABASE_URL; the checks that need it were skipped",
    );
    return;
  }
  const { database: name, role } = about;
  const where = database.kind === "embedded" ? "The embedded database" : `Database ${name}`;
  yield pass("database", `${where} accepts role ${role}`);
  yield checkClock(about.clock, askedAt, clock());
  yield* [checkVersion, checkEncoding, checkSearchPath, checkWrites].map((check) => check(about));
  if (database.kind === "postgres") {
    yield checkEncryption(database);
    yield await checkSession(database);
    yield await checkPooler(database);
    yield await checkRights(database, about);
  }
  yield await checkMigrations(database);
}

async function readAbout({ pool }: Database): Promise<About> {
  const { rows } = await pool.query<About>(
    `select current_database() as database, current_user as role, current_setting('server_version_num')::int as version,
       current_setting('server_encoding') as encoding, current_schema() as schema,
       current_setting('search_path') as search_path, current_setting('transaction_read_only')::bool as read_only,
       pg_is_in_recovery() as replica, coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
       clock_timestamp() as clock`,
  );
  return rows[0] as About;
}

function checkVersion({ version }: About): Finding {
  const major = Math.floor(version / 10_000);
  if (major >= 15 && major <= 18) return pass("version", `Postgres ${major}`);
  const message = `This is Postgres ${major}`;
  if (major < 15) return fail("version", message, "use Postgres 15 to 18");
  return warning("version", message, "Postgres 15 to 18 are supported");
}

/** Another encoding could not store every customer's note. */
function checkEncoding({ encoding, database }: About): Finding {
  if (encoding === "UTF8") return pass("encoding", encoding);
  return fail(
    "encoding",
    `Database ${database} has the encoding ${encoding}, which cannot hold every text`,
    "run create database NAME encoding 'UTF8' template template0, and name that database in DATABASE_URL",
  );
}

function checkSearchPath({ schema, search_path, role }: About): Finding {
  if (schema !== null) return pass("schema", `Tables are in schema ${schema}`);
  return fail(
    "schema",
    `The search path ${search_path} has no existing schema that role ${role} may use`,
    `run create schema NAME authorization ${role}, or write schema=NAME into DATABASE_URL`,
  );
}

function checkWrites({ read_only, replica, role, database }: About): Finding {
  if (replica) return fail("writes", "The database is a replica", "name the primary in DATABASE_URL");
  if (!read_only) return pass("writes", "The database accepts writes");
  return fail(
    "writes",
    `default_transaction_read_only is on for role ${role} in database ${database}`,
    "free disk space if the disk is full; then alter role or alter database ... reset default_transaction_read_only",
  );
}

function checkClock(ofDatabase: Date, askedAt: Date, answeredAt: Date): Finding {
  // The time that the answer took is not a difference.
  const at = ofDatabase.getTime();
  const apart = Math.max(0, askedAt.getTime() - at, at - answeredAt.getTime());
  if (apart < CLOCK_WARNS_MS) return pass("clock", "This machine's clock and the database's agree");
  const message = `This machine's clock and the database's are ${Math.round(apart / 1000)} s apart`;
  const remedy = "synchronize both clocks by NTP; this machine's clock decides what is due";
  return (apart < CLOCK_FAILS_MS ? warning : fail)("clock", message, remedy);
}

function checkEncryption({ pool }: Database): Finding {
  const { ssl, host = "" } = pool.options;
  if (typeof ssl === "object" && ssl.rejectUnauthorized === false) {
    return pass("encryption", "The connection is encrypted, and the certificate is not verified");
  }
  if (ssl) return pass("encryption", "The connection is encrypted, and the certificate is verified");
  if (host.startsWith("/") || isLoopback(host))
    return pass("encryption", "The connection stays on this machine");
  return warning(
    "encryption",
    "The connection to the database is not encrypted",
    "write sslmode=require or sslmode=verify-full into DATABASE_URL if others can listen",
  );
}

/** Compares the settings that a session asked for with those it has. */
async function checkSession({ pool }: Database): Promise<Finding> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    "select name, current_setting(name) as value from unnest($1::text[]) as name",
    [Object.keys(POSTGRES_SETTINGS)],
  );
  const other = rows.filter(({ name, value }) => POSTGRES_SETTINGS[name] !== value);
  if (other.length === 0) return pass("session", "Sessions have the settings that they ask for");
  const wrong = other.map(({ name, value }) => `${name} is ${value} instead of ${POSTGRES_SETTINGS[name]}`);
  return fail("session", `A session does not keep its settings: ${wrong.join(", ")}`, DIRECT);
}

const BY_TRANSACTION = "The database is behind a pooler in transaction or statement mode";
const DIRECT =
  "connect to Postgres directly (a database host's direct address), or through a pooler with pool_mode = session";

/**
 * Opens two sessions at once and compares their server processes. A pooler in transaction mode gives both the same
 * process, or gives the first session another one later. Locks and prepared statements do not work then.
 */
async function checkPooler({ pool }: Database): Promise<Finding> {
  const [one, other] = [new pg.Client(pool.options), new pg.Client(pool.options)];
  for (const client of [one, other]) client.on("error", () => {});
  try {
    await one.connect();
    await other.connect();
    for (let tried = 0; tried < POOLER_TRIES; tried += 1) {
      const first = await processOf(one);
      await other.query("begin");
      const shared = first === (await processOf(other)) || first !== (await processOf(one));
      await other.query("rollback");
      if (shared) return fail("pooler", BY_TRANSACTION, DIRECT);
    }
    const isDirect = "processID" in one && one.processID === (await processOf(one));
    return pass(
      "pooler",
      isDirect ? "Sessions reach Postgres directly" : "A pooler gives each session its own server process",
    );
  } catch (error) {
    // A pooler in statement mode refuses transactions with this message.
    if (error instanceof Error && /pooling mode/.test(error.message))
      return fail("pooler", BY_TRANSACTION, DIRECT);
    const words = explainUnavailable(error) ?? (error instanceof Error ? error.message : String(error));
    return fail("pooler", `A second session cannot be opened (${words.replace(/\.$/, "")})`, DIRECT);
  } finally {
    for (const client of [one, other]) client.end().catch(() => {});
  }
}

async function processOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

/** The role must be able to read and write existing tables. With pending migrations it must also own them. */
async function checkRights(database: Database, { schema, role, may_create }: About): Promise<Finding> {
  if (schema === null) return skipped("rights", "There is no schema, so rights are not checked");
  const { rows: tables } = await database.pool.query<{ name: string; usable: boolean; owned: boolean }>(
    `select tablename as name, pg_has_role(tableowner, 'usage') as owned,
       (select bool_and(has_table_privilege(format('%I.%I', schemaname, tablename), privilege))
        from unnest('{select,insert,update,delete}'::text[]) as privilege) as usable
     from pg_tables where schemaname = current_schema() and tablename = any ($1)`,
    [await ownTables()],
  );
  const closed = tables.find(({ usable }) => !usable);
  if (closed) {
    return fail(
      "rights",
      `Role ${role} may not read and write table ${closed.name}`,
      `grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
    );
  }
  // checkMigrations reports a schema of another version.
  const state = await checkSchema(database).then(
    (schema) => schema.state,
    () => "foreign",
  );
  if (state !== "pending") return pass("rights", `Role ${role} may read and write every table`);
  const others = tables.find(({ owned }) => !owned);
  if (may_create && !others) return pass("rights", `Role ${role} may create and change the tables`);
  const what = others
    ? `is not the owner of table ${others.name}`
    : `may not create tables in schema ${schema}`;
  return fail(
    "rights",
    `Migrations are pending, and role ${role} ${what}`,
    `run migrate as the owner, or grant create on schema ${schema} to ${role}`,
  );
}

async function checkMigrations(database: Database): Promise<Finding> {
  try {
    const { pending } = await checkSchema(database);
    if (pending.length === 0) return pass("migrations", "The schema is current");
    const message = `${pending.length} migration(s) are pending`;
    return {
      check: "migrations",
      status: "warning",
      message,
      remedy: "run migrate, or start serve, which migrates too",
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail(
      "migrations",
      message,
      "run the version of this program that made the schema, or name another database",
    );
  }
}
