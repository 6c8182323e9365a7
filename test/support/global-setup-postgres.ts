import pg from "pg";
import type { TestProject } from "vitest/node";
import { openDatabase } from "../../src/database/database.js";
import { migrate } from "../../src/database/migrate.js";
import { databaseUrl } from "./database-url.js";

declare module "vitest" {
  interface ProvidedContext {
    /** The prefix of the names of this run's databases. `<prefix>_template` is migrated and copied. */
    databasePrefix: string;
  }
}

const HOUR_MS = 3_600_000;

/**
 * Makes one migrated database for all copies. After the run it drops all of them. Fails if Postgres is unreachable.
 */
export default async function setUp(project: TestProject) {
  const admin = new pg.Client({ connectionString: databaseUrl(), connectionTimeoutMillis: 5_000 });
  await admin.connect();
  const prefix = `regulars_test_${Date.now().toString(36)}_${process.pid}`;
  await dropLeftovers(admin);
  await admin.query(`create database ${prefix}_template`);
  const template = await openDatabase({
    databaseUrl: databaseUrl(`${prefix}_template`),
    dataDir: "",
    role: "server",
  });
  await migrate(template);
  await template.close();
  project.provide("databasePrefix", prefix);
  return async () => {
    await dropAll(admin, (name) => name.startsWith(`${prefix}_`));
    await admin.end();
  };
}

/** Drops databases of killed runs. No running test run is hours old. */
async function dropLeftovers(admin: pg.Client) {
  await dropAll(admin, (name) => {
    const startedAt = Number.parseInt(name.split("_")[2] ?? "", 36);
    return startedAt < Date.now() - 6 * HOUR_MS;
  });
}

async function dropAll(admin: pg.Client, chosen: (name: string) => boolean) {
  const { rows } = await admin.query(
    "select datname from pg_database where datname ~ '^regulars_test_[0-9a-z]{8}_[0-9]+_'",
  );
  for (const { datname } of rows) {
    if (chosen(datname)) await admin.query(`drop database if exists ${datname} with (force)`);
  }
}
