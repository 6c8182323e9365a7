import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { MigrationFailed, SchemaMismatch } from "../errors.js";
import type { Database } from "./database.js";
import { withoutTimeout } from "./query.js";
import { inTransaction } from "./transaction.js";

/** `prisma migrate` uses the same key, so the two never migrate at the same time. */
const ADVISORY_LOCK = 72_707_369;

/** Exactly as Prisma creates it, so that `prisma migrate deploy` and `status` can use this record. */
const RECORD_TABLE = `
  create table _prisma_migrations (
    id                      varchar(36) primary key not null,
    checksum                varchar(64) not null,
    finished_at             timestamptz,
    migration_name          varchar(255) not null,
    logs                    text,
    rolled_back_at          timestamptz,
    started_at              timestamptz not null default now(),
    applied_steps_count     integer not null default 0
  )`;

/** Releases without the rule of `isContract` refuse every newer schema. These are the migrations of their time. */
const FIRST_WITH_RULE = "0010";

/**
 * Whether servers of the release before a migration must stop before it is applied. Its name ends in `_contract`
 * then. Without that ending a migration only adds, and the release before goes on running. An older release sees the
 * names in the database, so it knows which newer schemas it can run on.
 */
export function isContract(name: string): boolean {
  return name < FIRST_WITH_RULE || !/^\d{4}_/.test(name) || name.endsWith("_contract");
}

export interface SchemaState {
  readonly state: "current" | "pending";
  /** Names of this build's migrations that the database lacks, in order. */
  readonly pending: readonly string[];
}

export interface MigrationStatus {
  readonly name: string;
  /** `newer`: applied by a newer release, and unknown to this build. */
  readonly status: "applied" | "pending" | "newer";
  readonly applied_at: Date | null;
  readonly kind: "expand" | "contract";
}

/** How many migrations are done, of those that were pending. */
export type MigrationProgress = (done: number, total: number) => void;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Applies this build's pending migrations in name order, each in its own transaction. Several processes may call this
 * at once: one of them applies a migration while the others wait.
 *
 * @param folder has one folder for each migration, with a migration.sql in it; by default prisma/migrations
 * @param onProgress is told before each migration, and at the end, how many are done
 * @returns the names of the migrations that this call applied
 * @throws SchemaMismatch when the database's record does not fit this build; nothing is changed then
 * @throws MigrationFailed when a file fails; that file has no effect, and earlier files stay applied
 */
export async function migrate(
  database: Database,
  folder = migrationsFolder(),
  onProgress: MigrationProgress = () => {},
): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const applied: string[] = [];
  for (;;) {
    const onPending = (pending: number) => onProgress(applied.length, applied.length + pending);
    const name = await inTransaction(database.pool, (tx) => applyNext(tx, migrations, onPending));
    if (name === undefined) return applied;
    applied.push(name);
  }
}

/**
 * Compares the database's record of migrations with this build's migrations.
 *
 * @throws SchemaMismatch when a migration is unknown (the schema is newer or foreign), was changed after it was
 * applied, or has failed. Also when our tables exist without a record. Newer migrations that only add are no
 * mismatch.
 */
export async function checkSchema(database: Database, folder = migrationsFolder()): Promise<SchemaState> {
  const migrations = await readMigrations(folder);
  const pending = await pendingOf(database.pool, migrations);
  return { state: pending.length === 0 ? "current" : "pending", pending: pending.map(({ name }) => name) };
}

/** Every migration of this build and of the database, in name order. Changes nothing and judges nothing. */
export async function migrationStatus(
  { pool }: Pick<Database, "pool">,
  folder = migrationsFolder(),
): Promise<MigrationStatus[]> {
  const known = new Set((await readMigrations(folder)).map(({ name }) => name));
  const applied = new Map((await recordOf(pool)).map((row) => [row.name, row.finished_at]));
  return [...new Set([...known, ...applied.keys()])].sort().map((name) => {
    const finished = applied.get(name) ?? null;
    const status = !known.has(name) ? "newer" : finished ? "applied" : "pending";
    return { name, status, applied_at: finished, kind: isContract(name) ? "contract" : "expand" };
  });
}

/** The nearest prisma/migrations above this file. It is the same folder for src and for dist/src. */
export function migrationsFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "prisma", "migrations"))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`No prisma/migrations above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
  return path.join(folder, "prisma", "migrations");
}

async function applyNext(
  tx: pg.PoolClient,
  migrations: readonly Migration[],
  onPending: (pending: number) => void,
): Promise<string | undefined> {
  await tx.query(withoutTimeout("select pg_advisory_xact_lock($1)", [ADVISORY_LOCK]));
  const pending = await pendingOf(tx, migrations);
  onPending(pending.length);
  const [next] = pending;
  if (next === undefined) return undefined;
  if (!(await recordExists(tx))) await tx.query(RECORD_TABLE);
  const startedAt = new Date();
  try {
    // A query without values uses the simple protocol. Only that protocol accepts several statements.
    await tx.query(withoutTimeout(next.sql));
  } catch (error) {
    throw new MigrationFailed(next.name, error);
  }
  await tx.query(
    `insert into _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
     values ($1, $2, $3, $4, $5, 1)`,
    [randomUUID(), next.checksum, new Date(), next.name, startedAt],
  );
  return next.name;
}

async function pendingOf(
  on: pg.Pool | pg.PoolClient,
  migrations: readonly Migration[],
): Promise<Migration[]> {
  if (!(await recordExists(on))) {
    await refuseTablesWithoutRecord(on, migrations);
    return [...migrations];
  }
  const rows = await recordOf(on);
  const newest = migrations.at(-1)?.name ?? "";
  const applied = new Set(rows.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !applied.has(name));
  for (const row of rows) {
    const known = migrations.find(({ name }) => name === row.name);
    if (row.finished_at === null)
      throw new SchemaMismatch(`Migration ${row.name} has failed in this database`);
    if (known === undefined) {
      // A newer release has added something that this build does not need.
      if (!isContract(row.name) && row.name > newest && pending.length === 0) continue;
      throw new SchemaMismatch(`The database holds migration ${row.name}, which this build does not know`);
    }
    if (known.checksum !== row.checksum) {
      throw new SchemaMismatch(`Migration ${row.name} was changed after it was applied to this database`);
    }
  }
  return pending;
}

interface RecordRow {
  readonly name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/** The migrations that were applied to the database, or have failed in it. */
async function recordOf(on: pg.Pool | pg.PoolClient): Promise<RecordRow[]> {
  if (!(await recordExists(on))) return [];
  const { rows } = await on.query<RecordRow>(
    `select migration_name as name, checksum, finished_at
     from _prisma_migrations where rolled_back_at is null order by migration_name`,
  );
  return rows;
}

/** Looks only in the first schema of the search path. Another schema may hold another installation. */
async function recordExists(on: pg.Pool | pg.PoolClient): Promise<boolean> {
  const { rows } = await on.query(
    "select exists (select from pg_tables where schemaname = current_schema() and tablename = '_prisma_migrations') as present",
  );
  return rows[0].present;
}

/** The tables that this build's migrations create, and Prisma's table of migrations. */
export async function ownTables(folder = migrationsFolder()): Promise<string[]> {
  return ["_prisma_migrations", ...tablesOf(await readMigrations(folder))];
}

function tablesOf(migrations: readonly Migration[]): string[] {
  return migrations.flatMap(({ sql }) =>
    Array.from(sql.matchAll(/^\s*create table (?:if not exists )?"?(\w+)/gim), ([, table = ""]) => table),
  );
}

async function refuseTablesWithoutRecord(on: pg.Pool | pg.PoolClient, migrations: readonly Migration[]) {
  const { rows } = await on.query<{ tablename: string }>(
    "select tablename from pg_tables where schemaname = current_schema() and tablename = any ($1) limit 1",
    [tablesOf(migrations)],
  );
  const { rows: elsewhere } = await on.query<{ schema: string; current: string }>(
    `select nspname as schema, current_schema() as current
     from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where pg_class.oid = to_regclass('_prisma_migrations')`,
  );
  if (elsewhere[0] !== undefined) {
    const { schema, current } = elsewhere[0];
    throw new SchemaMismatch(
      `The tables are in schema ${schema}, but the search path begins with schema ${current}. ` +
        `Write schema=${schema} into DATABASE_URL to use these, or schema=${current} to create new ones`,
    );
  }
  if (rows[0] !== undefined) {
    throw new SchemaMismatch(
      `The database has a table ${rows[0].tablename} but no record of migrations: another program made it`,
    );
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(path.join(folder, name, "migration.sql"));
      return {
        name,
        sql: bytes.toString("utf8"),
        checksum: createHash("sha256").update(bytes).digest("hex"),
      };
    }),
  );
}
