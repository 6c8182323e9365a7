import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { checkSchema, migrate, migrationStatus } from "../../src/database/migrate.js";
import { openTestDatabase } from "../support/database.js";

const database = await openTestDatabase();
const folder = await mkdtemp(path.join(tmpdir(), "regulars-migrations-"));
afterAll(() => rm(folder, { recursive: true }));

const first =
  "create table animals (name text);\ncreate function loud(text) returns text language sql as $$ select upper($1); $$;\n";
const second = "insert into animals values ('cat');\n";

beforeEach(async () => {
  await database.pool.query("drop schema public cascade");
  await database.pool.query("create schema public");
  await rm(folder, { recursive: true });
  await mkdir(folder);
});

test("pending migrations are applied in the order of their names, each one once", async () => {
  await writeMigrations({ "0002_second": second, "0001_first": first });
  expect(await checkSchema(database, folder)).toEqual({
    state: "pending",
    pending: ["0001_first", "0002_second"],
  });
  expect(await migrate(database, folder)).toEqual(["0001_first", "0002_second"]);
  expect(await checkSchema(database, folder)).toEqual({ state: "current", pending: [] });
  expect(await migrate(database, folder)).toEqual([]);
  expect((await database.pool.query("select loud(name) as name from animals")).rows).toEqual([
    { name: "CAT" },
  ]);
});

test("a migration is recorded as Prisma records it", async () => {
  await writeMigrations({ "0001_first": first });
  await migrate(database, folder);
  const { rows } = await database.pool.query("select * from _prisma_migrations");
  expect(rows).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      checksum: createHash("sha256").update(first).digest("hex"),
      finished_at: expect.any(Date),
      migration_name: "0001_first",
      logs: null,
      rolled_back_at: null,
      started_at: expect.any(Date),
      applied_steps_count: 1,
    },
  ]);
  const columns = await database.pool.query(
    `select column_name, udt_name, character_maximum_length as length, is_nullable, column_default
     from information_schema.columns where table_name = '_prisma_migrations' order by ordinal_position`,
  );
  expect(columns.rows.map((column) => Object.values(column))).toEqual([
    ["id", "varchar", 36, "NO", null],
    ["checksum", "varchar", 64, "NO", null],
    ["finished_at", "timestamptz", null, "YES", null],
    ["migration_name", "varchar", 255, "NO", null],
    ["logs", "text", null, "YES", null],
    ["rolled_back_at", "timestamptz", null, "YES", null],
    ["started_at", "timestamptz", null, "NO", "now()"],
    ["applied_steps_count", "int4", null, "NO", "0"],
  ]);
});

test("several that migrate at once apply each migration once", async () => {
  await writeMigrations({ "0001_first": first, "0002_second": second });
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database, folder)));
  expect(applied.flat().sort()).toEqual(["0001_first", "0002_second"]);
  expect((await database.pool.query("select name from animals")).rows).toHaveLength(1);
});

test("a migration that fails leaves no trace; those before it stay, and mended it goes on", async () => {
  await writeMigrations({ "0001_first": first, "0002_second": `${second}select 1 / 0;` });
  await expect(migrate(database, folder)).rejects.toMatchObject({
    code: "migration_failed",
    message: "Migration 0002_second failed: division by zero",
  });
  expect((await database.pool.query("select name from animals")).rows).toEqual([]);
  expect(await checkSchema(database, folder)).toMatchObject({ pending: ["0002_second"] });

  await writeMigrations({ "0002_second": second });
  expect(await migrate(database, folder)).toEqual(["0002_second"]);
});

test("a database with a migration unknown to this build is refused: it is newer, or somebody else's", async () => {
  await writeMigrations({ "0001_first": first, "0002_second": second });
  await migrate(database, folder);
  await rm(path.join(folder, "0002_second"), { recursive: true });
  await refused(/holds migration 0002_second, which this build does not know/);
});

test("a newer release's migration that only adds lets this release run on; one that contracts does not", async () => {
  await writeMigrations({ "0010_first": first, "0011_more": "create table plants (name text);" });
  await migrate(database, folder);
  await rm(path.join(folder, "0011_more"), { recursive: true });
  expect(await checkSchema(database, folder)).toEqual({ state: "current", pending: [] });
  expect(await migrate(database, folder)).toEqual([]);
  expect(await migrationStatus(database, folder)).toEqual([
    { name: "0010_first", status: "applied", applied_at: expect.any(Date), kind: "expand" },
    { name: "0011_more", status: "newer", applied_at: expect.any(Date), kind: "expand" },
  ]);

  await writeMigrations({
    "0012_less_contract": "drop table plants;",
    "0011_more": "create table plants (name text);",
  });
  await migrate(database, folder);
  await rm(path.join(folder, "0012_less_contract"), { recursive: true });
  await refused(/holds migration 0012_less_contract, which this build does not know/);
});

test("another program's migrations are no newer release, whatever their names", async () => {
  await writeMigrations({ "0010_first": first });
  await migrate(database, folder);
  for (const foreign of ["20260101000000_init", "0009_before", "init"]) {
    await database.pool.query("update _prisma_migrations set migration_name = $1", [foreign]);
    await refused(/which this build does not know/);
  }
  await database.pool.query("update _prisma_migrations set migration_name = '0011_more'");
  await refused(/holds migration 0011_more, which this build does not know/);
});

test("a migration changed after it was applied is refused", async () => {
  await writeMigrations({ "0001_first": first });
  await migrate(database, folder);
  await writeMigrations({ "0001_first": `${first}-- one more thought\n` });
  await refused(/0001_first was changed after it was applied/);
});

test("a migration that Prisma recorded as failed is refused, one marked as rolled back is applied", async () => {
  await writeMigrations({ "0001_first": first });
  await migrate(database, folder);
  await database.pool.query("drop table animals; drop function loud");
  await database.pool.query("update _prisma_migrations set finished_at = null");
  await refused(/0001_first has failed/);
  await database.pool.query("update _prisma_migrations set rolled_back_at = now()");
  expect(await migrate(database, folder)).toEqual(["0001_first"]);
});

test("tables of ours without a record are refused; other tables are none of our business", async () => {
  await writeMigrations({ "0001_first": first });
  await database.pool.query("create table animals (name text)");
  await refused(/has a table animals but no record of migrations/);
  await database.pool.query("alter table animals rename to pets");
  expect(await migrate(database, folder)).toEqual(["0001_first"]);
});

async function writeMigrations(files: Record<string, string>): Promise<void> {
  for (const [name, sql] of Object.entries(files)) {
    await mkdir(path.join(folder, name), { recursive: true });
    await writeFile(path.join(folder, name, "migration.sql"), sql);
  }
}

async function refused(reason: RegExp): Promise<void> {
  const before = await database.pool.query("select * from pg_tables where schemaname = 'public'");
  await expect(migrate(database, folder)).rejects.toMatchObject({ code: "schema_mismatch" });
  await expect(checkSchema(database, folder)).rejects.toThrow(reason);
  const after = await database.pool.query("select * from pg_tables where schemaname = 'public'");
  expect(after.rows).toEqual(before.rows);
}
