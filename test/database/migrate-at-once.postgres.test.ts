import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { migrationsFolder } from "../../src/database/migrate.js";
import { openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";
import { Script } from "../support/processes.js";

const PROCESSES = 10;

test("ten processes that migrate an empty database at once apply each migration once", async () => {
  const database = await openTestDatabase();
  await database.pool.query("drop schema public cascade");
  await database.pool.query("create schema public");
  const { rows } = await database.pool.query("select current_database() as name");

  // Everybody is held up at the lock until all are there.
  const gate = await database.pool.connect();
  await gate.query("select pg_advisory_lock(72707369)");
  const processes = Array.from(
    { length: PROCESSES },
    () => new Script("migrate-database", databaseUrl(rows[0].name)),
  );
  const waiting =
    "select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())";
  await expect.poll(async () => (await gate.query(waiting)).rows[0].n, { timeout: 90_000 }).toBe(PROCESSES);
  await gate.query("select pg_advisory_unlock(72707369)");
  gate.release();

  const applied = (await Promise.all(processes.map((process) => process.rest()))).flat();
  const migrations = (await readdir(migrationsFolder())).filter((name) => !name.endsWith(".toml"));
  expect(applied.sort()).toEqual(migrations.sort());
  const recorded = await database.pool.query("select migration_name from _prisma_migrations order by 1");
  expect(recorded.rows.map((row) => row.migration_name)).toEqual(migrations.sort());
  await database.close();
});
