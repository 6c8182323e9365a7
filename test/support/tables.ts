/** Reads whole tables. So a test can check that nothing else changed, or that two ways have the same result. */
import type pg from "pg";
import type { Database } from "../../src/database/database.js";
import { query } from "../../src/database/query.js";

export type Row = Readonly<Record<string, unknown>>;
export type Tables = Readonly<Record<string, readonly Row[]>>;

interface TableKey {
  readonly name: string;
  readonly key: string;
}

let keys: readonly TableKey[] | undefined;

async function keysOfTables(pool: pg.Pool): Promise<readonly TableKey[]> {
  const { rows } = await pool.query<TableKey>(`
    select table_name as name, string_agg(format('t.%I', column_name), ', ' order by ordinal_position) as key
    from information_schema.key_column_usage
    where constraint_name like '%_pkey' and table_name not in ('webhook_events', 'application_logs')
      and not (select relispartition from pg_class where oid = format('%I.%I', table_schema, table_name)::regclass)
    group by table_name having bool_or(column_name = 'organization_id')
    order by table_name`);
  return rows;
}

/**
 * The organization, and every row that belongs to it without the organization's id, table by table in the order of
 * the primary keys. Events are left out, because they have the time of their arrival. `customers.search` is left out,
 * because Postgres generates it from the profile and the organization's id.
 */
export async function tablesOf({ pool }: Pick<Database, "pool">, organizationId: string): Promise<Tables> {
  keys ??= await keysOfTables(pool);
  const selects = keys.map(
    ({ name, key }) => `
      select '${name}' as name, to_jsonb(t) - array['organization_id', 'search'] as row, jsonb_build_array(${key}) as key
      from ${name} t where organization_id = $1`,
  );
  const text = `${selects.join("\nunion all")}
    union all
    select 'organizations', to_jsonb(o) - array['id', 'square_merchant_id', 'created_at'], '[]'
    from organizations o where id = $1
    order by name, key`;
  const { rows } = await query<{ name: string; row: Row }>(pool, { name: "tables_of", text }, [
    organizationId,
  ]);
  const tables: Record<string, Row[]> = {};
  for (const { name, row } of rows) {
    tables[name] ??= [];
    tables[name].push(row);
  }
  return tables;
}

export interface StoredEventRow {
  readonly event_id: string;
  readonly status: string;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly next_attempt_at: Date | null;
  readonly processed_at: Date | null;
  readonly organization_id: string;
  /** The transaction that last wrote the row. */
  readonly transaction: string;
}

export async function storedEvents({ pool }: Pick<Database, "pool">): Promise<StoredEventRow[]> {
  const { rows } = await pool.query<StoredEventRow>(`
    select event_id, status, attempts, last_error, next_attempt_at, processed_at, organization_id,
      xmin::text as transaction
    from webhook_events order by received_at, event_id`);
  return rows;
}
