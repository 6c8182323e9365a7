import pg from "pg";
import { queryUnprepared, withoutTimeout } from "../query.js";

const tablesStatement = {
  name: "tables_to_analyze",
  text: `
    select relname from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
    order by relname`,
};

/**
 * Tells the planner how large the tables are and what they hold. Postgres does this by itself. The embedded database
 * has no autovacuum, and without statistics a report over two years took a hundred times as long. One table after
 * the other, so that events wait for one only.
 */
export async function renewStatistics(pool: pg.Pool): Promise<void> {
  const { rows } = await queryUnprepared<{ relname: string }>(pool, tablesStatement);
  for (const { relname } of rows) await pool.query(withoutTimeout(`analyze ${pg.escapeIdentifier(relname)}`));
}
