import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { isContract, migrationsFolder } from "../../src/database/migrate.js";

/** What the release before a migration may need: it disappears, changes, or is asked of every new row. */
const CONTRACTS = [
  /\bdrop\s+(table|view|materialized|function|type|schema|column|constraint|default)\b/i,
  /\balter\s+table\s+\S+\s+drop\s+(?!not\s+null)/i,
  /\brename\b/i,
  /\bset\s+not\s+null\b/i,
  /\balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b/i,
  /\badd\s+(constraint|check|unique|primary|foreign|exclude)\b/i,
  /\bcreate\s+unique\s+index\b/i,
  /\bcreate\s+(or\s+replace\s+)?trigger\b/i,
  /\badd\s+(column\s+)?(?![^;,]*\bdefault\b)[^;,]*\bnot\s+null\b/i,
  /\b(delete\s+from|truncate)\b/i,
];

/** A primary key that is made anew in the same transaction, to be the newest index (see 0001). */
const KEY_ANEW =
  /alter table (\w+) drop constraint (\w+_pkey);\s*alter table \1 add constraint \2 primary key \([\w, ]+\);/g;

/** @returns what in the SQL is a contract; undefined when it only adds */
function contractIn(sql: string): string | undefined {
  const statements = sql
    .replace(/--[^\n]*/g, "")
    .replace(/\/\*.*?\*\//gs, "")
    .replace(KEY_ANEW, "");
  for (const pattern of CONTRACTS) {
    const [found] = pattern.exec(statements) ?? [];
    if (found !== undefined) return found.replace(/\s+/g, " ");
  }
  return undefined;
}

const names = readdirSync(migrationsFolder(), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test.each(names)("%s says by its name whether the release before it can go on running", (name) => {
  expect(name).toMatch(/^\d{4}_[a-z0-9_]+$/);
  if (isContract(name)) return;
  const sql = readFileSync(path.join(migrationsFolder(), name, "migration.sql"), "utf8");
  expect(contractIn(sql), `${name} needs a name that ends in _contract`).toBeUndefined();
});

test.each([
  "drop table locations;",
  "drop view if exists customer_profiles;",
  "alter table bookings drop column source;",
  "alter table bookings drop source;",
  "alter table bookings rename column source to origin;",
  "alter table bookings\n  rename to visits;",
  "alter table customers alter column version set not null;",
  "alter table customers alter column version type text;",
  "alter table customers alter version set data type text;",
  "alter table customer_analytics alter column visit_days drop default;",
  "alter table customer_analytics add column visit_days integer not null;",
  "alter table bookings add constraint source_known check (source <> '');",
  "create unique index bookings_source on bookings (source);",
  "delete from webhook_events;",
  "alter table locations drop constraint locations_pkey; alter table refunds add constraint locations_pkey primary key (refund_id);",
])("%s is a contract", (sql) => {
  expect(contractIn(sql)).toBeDefined();
});

test.each([
  "-- drop table locations\ncreate table x (id integer not null primary key);",
  "alter table bookings add column origin text;",
  "alter table customer_analytics add column visit_days integer not null default 0;",
  "alter table customers alter column version drop not null;",
  "create index concurrently on bookings (source); drop index old_idx;",
  "create or replace view customer_profiles as select 1;",
  "alter table refunds drop constraint refunds_pkey;\nalter table refunds add constraint refunds_pkey primary key (refund_id);",
])("%s only adds", (sql) => {
  expect(contractIn(sql)).toBeUndefined();
});
