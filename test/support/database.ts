import { cp, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, inject } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import { databaseUrl, runStatements } from "./database-url.js";

/**
 * A new, migrated database of the project's kind, for one test file. When this is called at the top of the file, the
 * database is closed and removed after the last test. A caller elsewhere closes it.
 */
export async function openTestDatabase(): Promise<Database> {
  const { database, remove } = await openCopy();
  const close = async () => {
    await database.close();
    await remove();
  };
  afterAll(close);
  return { ...database, close };
}

/**
 * How many random cases a test plays on the project's database. Postgres plays all. The embedded database runs the
 * same statements several times slower, because each commit waits for the disk, so it plays a fifth. TEST_CASES
 * multiplies both, for a long run.
 */
export function casesHere(all: number): number {
  const wanted = all * Number(process.env.TEST_CASES ?? 1);
  return Math.ceil(inject("databasePrefix") === undefined ? wanted / 5 : wanted);
}

/** Deletes every row, so that the next test of the file begins with nothing. */
export async function emptyDatabase(database: Database): Promise<void> {
  await database.pool.query(`
    do $$
    declare
      name text;
    begin
      for name in
        select tablename from pg_tables
        where schemaname = current_schema() and tablename <> '_prisma_migrations'
      loop
        execute format('delete from %I', name);
      end loop;
    end $$`);
}

interface Copy {
  readonly database: Database;
  remove(): Promise<unknown>;
}

let copies = 0;

/** The name is unique within a run, because the workers have different process ids. */
function uniqueName(): string {
  copies += 1;
  return `${process.pid}_${copies}`;
}

function openCopy(): Promise<Copy> {
  return inject("databasePrefix") === undefined ? copyEmbedded() : copyPostgres();
}

/** A data folder with a migrated embedded database that nobody has open. It is removed after the run. */
export async function migratedDataDir(): Promise<string> {
  const dataDir = await emptyDataDir();
  await cp(path.join(inject("embeddedRoot"), "template", "pg"), path.join(dataDir, "pg"), {
    recursive: true,
  });
  return dataDir;
}

/** An empty data folder. It is removed after the run. */
export async function emptyDataDir(): Promise<string> {
  const dataDir = path.join(inject("embeddedRoot"), uniqueName());
  await mkdir(dataDir);
  return dataDir;
}

async function copyEmbedded(): Promise<Copy> {
  const dataDir = await migratedDataDir();
  const database = await openDatabase({ dataDir, role: "server" });
  return { database, remove: () => rm(dataDir, { recursive: true, force: true }) };
}

async function copyPostgres(): Promise<Copy> {
  const prefix = inject("databasePrefix");
  const name = `${prefix}_${uniqueName()}`;
  await runStatements(databaseUrl(), `create database ${name} template ${prefix}_template`);
  const database = await openDatabase({ databaseUrl: databaseUrl(name), dataDir: "", role: "server" });
  const drop = `drop database if exists ${name} with (force)`;
  return { database, remove: () => runStatements(databaseUrl(), drop) };
}
