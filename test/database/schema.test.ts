import { expect, test } from "vitest";
import { checkSchema } from "../../src/database/migrate.js";
import { openTestDatabase } from "../support/database.js";
import { schemaDifference } from "../support/schema-difference.js";

const database = await openTestDatabase();

/** The primary keys that do not begin with the organization. Prisma makes the third table. */
const OTHER_KEYS = { organizations: "id", application_logs: "log_id", _prisma_migrations: "id" };

test("schema.prisma is the migrated database, and the comparison does see a difference", async () => {
  expect(await schemaDifference(database)).toBe("-- This is an empty migration.");

  await database.pool.query("alter table locations add column colour text");
  expect(await schemaDifference(database)).toMatch(/DROP COLUMN "colour"/);
  await database.pool.query("alter table locations drop column colour");

  await database.pool.query("drop index customer_analytics_segment_idx");
  expect(await schemaDifference(database)).toMatch(/CREATE INDEX/);
});

test("the migrated database is current", async () => {
  expect(await checkSchema(database)).toEqual({ state: "current", pending: [] });
});

test("every key begins with organization_id, so that an organization can live in any database", async () => {
  const { rows } = await database.pool.query<{ table: string; first: string | null }>(`
    select class.relname as table, attribute.attname as first
    from pg_class class
    left join pg_index index on index.indrelid = class.oid and index.indisprimary
    left join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attnum = index.indkey[0]
    where class.relkind = 'r' and class.relnamespace = current_schema()::regnamespace`);
  expect(rows.length).toBeGreaterThan(14);
  const others = rows.filter(({ first }) => first !== "organization_id");
  expect(Object.fromEntries(others.map(({ table, first }) => [table, first]))).toEqual(OTHER_KEYS);
});

test("the documented views exist and can be read", async () => {
  for (const view of [
    "analytics_appointments_by_location_daily",
    "analytics_revenue_by_location_daily",
    "customer_profiles",
    "customer_rfm",
  ]) {
    expect((await database.pool.query(`select * from ${view}`)).rows).toEqual([]);
  }
});
