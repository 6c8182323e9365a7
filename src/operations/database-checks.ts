import pg from "pg";
import { isLoopback } from "../config/host.js";
import type { Database } from "../database/database.js";
import { explainUnavailable } from "../database/failures.js";
import { checkSchema, ownTables } from "../database/migrate.js";
import { POSTGRES_SETTINGS } from "../database/session.js";
import { RegularsError } from "../errors.js";
import { type Finding, fail, pass, skipped, warning } from "./finding.js";

/** The server's clock may be so far from ours before it is worth a word, and before it is wrong, in milliseconds. */
const CLOCK_WARNS_MS = 2_000;
const CLOCK_FAILS_MS = 30_000;

/** How often two sessions are compared. A pooler that takes turns among its own could hide once. */
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
 * Refuses a database that this program would fail on, or falsify, later. Nothing is made or changed.
 *
 * @param writes whether one that takes no writes is refused too
 * @throws {RegularsError} `database_unusable`, one line for each reason, which says what to do instead
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

/** Everything that can be asked about a database, whether it answers or not. */
export async function* checkDatabase(database: Database): AsyncGenerator<Finding> {
  let about: About;
  const askedAt = Date.now();
  try {
    about = await readAbout(database);
  } catch (error) {
    const message = explainUnavailable(error) ?? (error instanceof Error ? error.message : String(error));
    yield fail(
      "database",
      message,
      "start it, or mend DATABASE_URL; what comes after it could not be looked at",
    );
    return;
  }
  const { database: name, role } = about;
  const where = database.kind === "embedded" ? "The embedded database" : `Database ${name}`;
  yield pass("database", `${where} answers role ${role}`);
  yield checkClock(about.clock, askedAt, Date.now());
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
  if (major < 15) return fail("version", message, "Postgres 15 to 18 is needed");
  return warning("version", message, "15 to 18 have been tried");
}

/** In any other encoding a customer's note could not be stored. */
function checkEncoding({ encoding, database }: About): Finding {
  if (encoding === "UTF8") return pass("encoding", encoding);
  return fail(
    "encoding",
    `Database ${database} is encoded in ${encoding}, which cannot hold every text`,
    "make one with create database NAME encoding 'UTF8' template template0, and name it in DATABASE_URL",
  );
}

function checkSearchPath({ schema, search_path, role }: About): Finding {
  if (schema !== null) return pass("schema", `Tables are in schema ${schema}`);
  return fail(
    "schema",
    `The search path ${search_path} names no schema that there is and that role ${role} may use`,
    `create schema NAME authorization ${role}, or write schema=NAME into DATABASE_URL`,
  );
}

function checkWrites({ read_only, replica, role, database }: About): Finding {
  if (replica) return fail("writes", "The database is a replica", "name the primary in DATABASE_URL");
  if (!read_only) return pass("writes", "The database takes writes");
  return fail(
    "writes",
    `default_transaction_read_only is on for role ${role} in database ${database}`,
    "free disk space if that is why, then alter role or alter database ... reset default_transaction_read_only",
  );
}

function checkClock(clock: Date, askedAt: number, answeredAt: number): Finding {
  // What the answer took is no difference.
  const apart = Math.max(0, askedAt - clock.getTime(), clock.getTime() - answeredAt);
  if (apart < CLOCK_WARNS_MS) return pass("clock", "This machine's clock and the database's agree");
  const message = `This machine's clock and the database's are ${Math.round(apart / 1000)} s apart`;
  const remedy = "have both kept right by NTP: what is due and what is past goes by this machine's";
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

/** Compares what a session asked for with what it got. */
async function checkSession({ pool }: Database): Promise<Finding> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    "select name, current_setting(name) as value from unnest($1::text[]) as name",
    [Object.keys(POSTGRES_SETTINGS)],
  );
  const other = rows.filter(({ name, value }) => POSTGRES_SETTINGS[name] !== value);
  if (other.length === 0) return pass("session", "Sessions have the settings they ask for");
  const told = other.map(({ name, value }) => `${name} is ${value} instead of ${POSTGRES_SETTINGS[name]}`);
  return fail("session", `A session does not get what it asks for: ${told.join(", ")}`, DIRECT);
}

const BY_TRANSACTION = "A pooler by transaction or statement stands before the database";
const DIRECT =
  "connect to Postgres directly, or through a pooler by session (pool_mode = session; at a host of databases the direct address)";

/**
 * Opens two sessions beside each other. Behind a pooler by transaction the second gets the first one's server process, or
 * the first comes back to another: then locks and prepared statements are anybody's.
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
      isDirect
        ? "Sessions reach Postgres directly"
        : "A pooler gives each session a server process of its own",
    );
  } catch (error) {
    // Its own words when not even a transaction keeps its session.
    if (error instanceof Error && /pooling mode/.test(error.message))
      return fail("pooler", BY_TRANSACTION, DIRECT);
    const words = explainUnavailable(error) ?? (error instanceof Error ? error.message : String(error));
    return fail(
      "pooler",
      `A second session beside the first does not come about (${words.replace(/\.$/, "")})`,
      DIRECT,
    );
  } finally {
    for (const client of [one, other]) client.end().catch(() => {});
  }
}

async function processOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

/** Tables that are there must be readable and writable; where migrations wait, they must be ours to change. */
async function checkRights(database: Database, { schema, role, may_create }: About): Promise<Finding> {
  if (schema === null) return skipped("rights", "There is no schema to have rights in");
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
  // The migration itself refuses a schema of another version.
  const state = await checkSchema(database).then(
    (schema) => schema.state,
    () => "foreign",
  );
  if (state !== "pending") return pass("rights", `Role ${role} reads and writes every table`);
  const others = tables.find(({ owned }) => !owned);
  if (may_create && !others) return pass("rights", `Role ${role} may make and change the tables`);
  const what = others
    ? `is not the owner of table ${others.name}`
    : `may not create tables in schema ${schema}`;
  return fail(
    "rights",
    `Migrations wait, and role ${role} ${what}`,
    `run migrate as the owner, or grant create on schema ${schema} to ${role}`,
  );
}

async function checkMigrations(database: Database): Promise<Finding> {
  try {
    const { pending } = await checkSchema(database);
    if (pending.length === 0) return pass("migrations", "The schema is current");
    const message = `${pending.length} migrations wait`;
    return {
      check: "migrations",
      status: "warning",
      message,
      remedy: "run migrate; serve does it by itself",
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail(
      "migrations",
      message,
      "run the version of this program that made it, or name another database",
    );
  }
}
