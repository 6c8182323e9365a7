import pg from "pg";

/** TEST_DATABASE_URL, or the same server's database of another name. */
export function databaseUrl(database?: string): string {
  const given = process.env.TEST_DATABASE_URL;
  if (!given) throw new Error("TEST_DATABASE_URL is not set");
  return database === undefined ? given : onSameServer(given, database);
}

/** The address of another database on the same server. */
export function onSameServer(address: string, database: string): string {
  const url = new URL(address);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs statements on a new connection. @returns their results */
export async function runStatements(
  address: string,
  ...statements: readonly string[]
): Promise<pg.QueryResult[]> {
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const results: pg.QueryResult[] = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}
