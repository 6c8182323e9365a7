import { expect, inject, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";

const { pool } = await openTestDatabase();
const settings = `select current_setting('synchronous_commit') as commits,
  current_setting('transaction_isolation') as isolation`;
const safe = [{ commits: "on", isolation: "read committed" }];

test("a commit is durable before it is acknowledged, and sees what others have committed", async () => {
  expect((await pool.query(settings)).rows).toEqual(safe);
});

test("whatever the database's own defaults or the URL's options say", async (context) => {
  if (inject("databasePrefix") === undefined)
    return context.skip("the embedded database has no such defaults");
  const { rows } = await pool.query("select current_database() as name");
  const { name } = rows[0];
  await pool.query(`alter database ${name} set synchronous_commit = off`);
  await pool.query(`alter database ${name} set default_transaction_isolation = 'serializable'`);
  const options = encodeURIComponent("-c synchronous_commit=local");
  const other = await openDatabase({
    databaseUrl: `${databaseUrl(name)}?options=${options}`,
    dataDir: "",
    role: "server",
  });
  const found = await other.pool.query(settings);
  await other.close();
  expect(found.rows).toEqual(safe);
});
