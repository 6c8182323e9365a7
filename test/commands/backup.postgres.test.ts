import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { addOrganization } from "../../src/organizations/organizations.js";
import { openForCommands, regulars } from "../support/command-line.js";
import { databaseUrl } from "../support/database-url.js";
import { asAdmin } from "../torture/runner/databases.js";

const { database, env } = await openForCommands();

test("on a Postgres, backup and restore name the lines of pg_dump and pg_restore, and these lines work", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-dump-"));
  const copy = `regulars_restored_${process.pid}`;
  onTestFinished(async () => {
    rmSync(folder, { recursive: true });
    await asAdmin(`drop database if exists ${copy} with (force)`);
  });
  await addOrganization(database, { merchantId: "M", name: "Salon" }, new Date());
  const run = async (command: string, url: string) => {
    const { code, stderr } = await regulars(env, command, path.join(folder, "never"));
    expect(code).toBe(1);
    const line = stderr.trim().split("\n").at(-1)?.replace("FILE", path.join(folder, "dump")) ?? "";
    expect(line).not.toContain(env.DATABASE_URL);
    execFileSync("sh", ["-c", line], { env: { PATH: process.env.PATH ?? "", DATABASE_URL: url } });
  };
  await run("backup", env.DATABASE_URL ?? "");
  await asAdmin(`create database ${copy}`);
  await run("restore", databaseUrl(copy));
  const client = new pg.Client({ connectionString: databaseUrl(copy) });
  await client.connect();
  const { rows } = await client.query("select name from organizations");
  await client.end();
  expect(rows).toEqual([{ name: "Salon" }]);
});

test("after a restore, the erasures of the newer database are repeated as docs/upgrading.md says", async () => {
  const { id } = await addOrganization(database, { merchantId: "M", name: "Salon" }, new Date());
  const addAna = () =>
    database.pool.query(
      `insert into customers (organization_id, square_customer_id, version, order_key, given_name)
       values ($1, 'ANA', 1, '', 'Ana')`,
      [id],
    );
  const names = async () => (await database.pool.query("select given_name from customers")).rows;
  await addAna();
  expect(await regulars(env, "erase", "--organization", id, "--customer", "ANA")).toMatchObject({ code: 0 });
  const page = readFileSync("docs/upgrading.md", "utf8");
  const psql = /^psql .*erased\.txt.*$/m.exec(page)?.[0] ?? "";
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-erased-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const shell = { cwd: folder, env: { PATH: process.env.PATH ?? "", DATABASE_URL: env.DATABASE_URL ?? "" } };
  execFileSync("sh", ["-c", psql], shell);

  // The older state: the customer with the name, and no erasure.
  await database.pool.query("delete from customer_erasures; delete from customers");
  await addAna();
  expect(await names()).toEqual([{ given_name: "Ana" }]);
  const loop = /^while read .*?^done.*?$/ms.exec(page)?.[0] ?? "";
  const commands = execFileSync("bash", ["-c", loop.replace("npm run regulars --", "echo")], shell);
  for (const line of commands.toString().trim().split("\n"))
    expect(await regulars(env, ...line.split(" "))).toMatchObject({ code: 0 });
  expect(await names()).toEqual([{ given_name: null }]);
});
