/** Makes a database as an earlier version of the program left it. */
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Database } from "../../../src/database/database.js";
import { migrate, migrationsFolder } from "../../../src/database/migrate.js";

/** The last migration of every earlier state of the schema. */
export async function earlierStates(): Promise<string[]> {
  const entries = await readdir(migrationsFolder(), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** Empties a database and applies the migrations up to `last`. */
export async function goBackTo(database: Database, last: string): Promise<void> {
  await database.pool.query("drop schema public cascade");
  await database.pool.query("create schema public");
  const folder = await mkdtemp(path.join(tmpdir(), "regulars-migrations-"));
  try {
    for (const name of await earlierStates()) {
      if (name <= last)
        await cp(path.join(migrationsFolder(), name), path.join(folder, name), { recursive: true });
    }
    await migrate(database, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Copies every row of the tables and columns that the older schema has. An identity is given anew. */
export async function copyRows(from: Database, to: Database): Promise<void> {
  const [newer, older] = [await columnsOf(from), await columnsOf(to)];
  for (const [table, columns] of older) {
    const common = columns.filter((column) => newer.get(table)?.includes(column)).join(", ");
    if (common === "") continue;
    // The rows are text, because numbers beyond 2^53 would lose digits.
    const { rows } = await from.pool.query<{ rows: string }>(
      `select coalesce(jsonb_agg(t), '[]')::text as rows from ${table} t`,
    );
    await to.pool.query(
      `insert into ${table} (${common}) select ${common} from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
      [rows[0]?.rows],
    );
  }
}

/** The columns of each table. Generated and identity columns are left out, because the database fills them. */
async function columnsOf({ pool }: Database): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ table: string; columns: string[] }>(
    `select c.table_name as table, array_agg(c.column_name::text) as columns
     from information_schema.columns c
     join pg_tables t on t.schemaname = c.table_schema and t.tablename = c.table_name
     join pg_class on pg_class.oid = c.table_name::regclass and not relispartition
     where c.table_schema = current_schema() and c.table_name <> '_prisma_migrations' and c.is_generated = 'NEVER'
       and c.is_identity = 'NO'
     group by c.table_name order by 1`,
  );
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

/** Gives the rows an older version, other values in some columns and other due times, as earlier definitions had. */
export async function ageRows({ pool }: Database): Promise<void> {
  await pool.query(`
    update customer_analytics set definition_version = definition_version - 1,
      total_visits = total_visits + 7, customer_segment = 'LOST', net_revenue_cents = -1,
      preferred_hour = 3, refresh_due_at = case when total_bookings > 1 then null else refresh_due_at end`);
}

/** Adds an unfinished sweep and a deferred event, which a killed program leaves. */
export async function leaveUnfinished({ pool }: Database, deferredEventId: string, now: Date): Promise<void> {
  await pool.query(
    `insert into application_logs (log_type, status, created_at, payload)
     values ('cron', 'processing', $1, '{"cron_name": "refresh-customer-analytics", "mode": "recent"}')`,
    [now],
  );
  await pool.query(
    `update webhook_events set status = 'deferred', attempts = 3, next_attempt_at = $2, processed_at = null,
       last_error = 'Error' where event_id = $1`,
    [deferredEventId, now],
  );
}
