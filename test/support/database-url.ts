/** TEST_DATABASE_URL, or the same server's database of another name. */
export function databaseUrl(database?: string): string {
  const given = process.env.TEST_DATABASE_URL;
  if (!given) throw new Error("TEST_DATABASE_URL is not set");
  if (database === undefined) return given;
  const url = new URL(given);
  url.pathname = `/${database}`;
  return url.href;
}
