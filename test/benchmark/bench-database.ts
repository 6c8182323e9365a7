import { refreshOrganization } from "../../src/analytics/refresh.js";
import { type Database, openDatabase } from "../../src/database/database.js";
import { migrate } from "../../src/database/migrate.js";
import { inTransaction } from "../../src/database/transaction.js";
import { lockFacts, writeFacts } from "../../src/facts/write-facts.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { onSameServer, runStatements } from "../support/database-url.js";
import type { Dataset } from "./dataset.js";

const adminUrl =
  process.env.DATABASE_URL ??
  process.env.TEST_DATABASE_URL ??
  "postgresql://postgres@127.0.0.1:5432/postgres";

/** The address of another database on the same server. */
export function urlOf(name: string): string {
  return onSameServer(adminUrl, name);
}

/** @returns the rows of each statement */
export async function asAdmin(...statements: readonly string[]): Promise<Record<string, unknown>[][]> {
  const results = await runStatements(adminUrl, ...statements);
  return results.map(({ rows }) => rows);
}

/** Runs `work` on a new, migrated database and always drops it. */
export async function withBenchDatabase<Result>(
  name: string,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  await asAdmin(`drop database if exists ${name} with (force)`, `create database ${name}`);
  const database = await openDatabase({ databaseUrl: urlOf(name), dataDir: "", role: "command" });
  try {
    await migrate(database);
    return await work(database);
  } finally {
    await database.close();
    await asAdmin(`drop database if exists ${name} with (force)`);
  }
}

const CHUNK = 500;

/** Stores the data set through the server's own writer of facts, then computes every row. */
export async function loadDataset(database: Database, dataset: Dataset): Promise<string> {
  const { id } = await addOrganization(
    database,
    { merchantId: dataset.merchantId, name: "Benchmark" },
    dataset.now,
  );
  for (let at = 0; at < dataset.facts.length; at += CHUNK) {
    const chunk = dataset.facts.slice(at, at + CHUNK).map((fact) => [fact]);
    await inTransaction(database.pool, async (tx) => {
      const locked = await lockFacts(tx, id, chunk.flat());
      await writeFacts(tx, id, locked, chunk, dataset.now);
    });
  }
  for (const location of dataset.locations) {
    await database.pool.query(
      `update locations set name = $3, time_zone = $4, is_placeholder = false
       where organization_id = $1 and square_location_id = $2`,
      [id, location.id, location.name, location.timezone],
    );
  }
  for await (const _ of refreshOrganization(database.pool, id, "full", () => dataset.now)) {
    // Each turn refreshes one chunk.
  }
  await database.pool.query("vacuum analyze");
  return id;
}
