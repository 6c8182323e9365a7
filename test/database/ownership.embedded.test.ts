import { execFile } from "node:child_process";
import { chmod, mkdir, rename, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { DataDirInUse } from "../../src/errors.js";
import { emptyDataDir, migratedDataDir } from "../support/database.js";
import { Script } from "../support/processes.js";

const addOrganization =
  "insert into organizations (square_merchant_id, name, time_zone) values ($1, 'Salon', 'UTC')";

test("a second server on the same folder is refused and told the owner's process id", async () => {
  const dataDir = await migratedDataDir();
  const owner = new Script("open-database", dataDir, "server");
  expect(await owner.line()).toBe(`open ${owner.pid}`);

  const second = openDatabase({ dataDir, role: "server" });
  await expect(second).rejects.toThrow(DataDirInUse);
  await expect(second).rejects.toMatchObject({ code: "data_dir_in_use", ownerPid: owner.pid });
  await expect(second).rejects.toThrow(String(owner.pid));
});

test("a command reaches the running server's database through its socket", async () => {
  const dataDir = await migratedDataDir();
  const server = await openDatabase({ dataDir, role: "server" });
  const command = await openDatabase({ dataDir, role: "command" });

  await command.pool.query(addOrganization, ["M1"]);
  expect(await server.prisma.organization.count()).toBe(1);

  await command.close();
  expect(await server.prisma.organization.count()).toBe(1);
  await server.close();
});

test("a command is the owner when no server runs, and leaves nothing locked behind", async () => {
  const dataDir = await migratedDataDir();
  const command = await openDatabase({ dataDir, role: "command" });
  await command.pool.query(addOrganization, ["M1"]);
  await command.close();

  const server = await openDatabase({ dataDir, role: "server" });
  expect(await server.prisma.organization.count()).toBe(1);
  await server.close();
});

test("a command that finds an owner still starting waits for it", async () => {
  const dataDir = await migratedDataDir();
  const [first, second] = await Promise.all([
    openDatabase({ dataDir, role: "command" }),
    openDatabase({ dataDir, role: "command" }),
  ]);
  await first.pool.query(addOrganization, ["M1"]);
  expect(await second.prisma.organization.count()).toBe(1);
  await Promise.all([first.close(), second.close()]);
});

test("psql, or any client, connects through the folder; nobody else on the machine may", async () => {
  const dataDir = await migratedDataDir();
  const server = await openDatabase({ dataDir, role: "server" });
  await server.pool.query(addOrganization, ["M1"]);

  expect(await countWithForeignClient(dataDir)).toBe("1");
  await server.close();
});

test("a folder that was there keeps its mode, and nobody else gets in; one of our making is closed", async () => {
  const there = await migratedDataDir();
  await chmod(there, 0o755);
  const made = path.join(await emptyDataDir(), "made");
  const modes = async (...files: string[]) =>
    Promise.all(files.map(async (file) => ((await stat(file)).mode & 0o777).toString(8)));
  for (const [dataDir, mode] of [
    [there, "755"],
    [made, "700"],
  ] as const) {
    const server = await openDatabase({ dataDir, role: "server" });
    const ours = [path.join(dataDir, ".s.PGSQL.5432"), path.join(dataDir, "pg")];
    expect(await modes(dataDir, ...ours)).toEqual([mode, "700", "700"]);
    await server.close();
  }
});

test("the lock of a server killed with -9 is taken over, and its socket file removed", async () => {
  const dataDir = await migratedDataDir();
  const killed = new Script("open-database", dataDir, "server");
  await killed.line();
  await killed.kill();
  expect((await stat(path.join(dataDir, ".s.PGSQL.5432"))).isSocket()).toBe(true);

  const next = await openDatabase({ dataDir, role: "server" });
  expect(await next.prisma.organization.count()).toBe(0);
  await next.close();
});

test("of several servers racing for a dead one's lock, exactly one wins", async () => {
  const dataDir = await migratedDataDir();
  const killed = new Script("open-database", dataDir, "server");
  await killed.line();
  await killed.kill();

  const racers = Array.from({ length: 4 }, () => new Script("open-database", dataDir, "server"));
  const answers = await Promise.all(racers.map((racer) => racer.line()));
  expect(answers.filter((answer) => answer.startsWith("open"))).toHaveLength(1);
  expect(answers.filter((answer) => answer === "refused data_dir_in_use")).toHaveLength(3);
});

test("an owner that closes ends by itself: neither its worker nor its pool keep the process", async () => {
  const owner = new Script("open-database", await migratedDataDir(), "server", "0");
  expect(await owner.rest()).toEqual([`open ${owner.pid}`, "closed"]);
});

test("a path too long for a socket is refused with a sentence that says so", async () => {
  const dataDir = path.join(await migratedDataDir(), "x".repeat(120));
  await expect(openDatabase({ dataDir, role: "server" })).rejects.toThrow(/too long a path for DATA_DIR/);
});

test("the default folder works below a path of any length: from there it is short", async () => {
  const before = process.cwd();
  const deep = path.join(await migratedDataDir(), "x".repeat(120));
  await mkdir(deep);
  process.chdir(deep);
  try {
    await rename("../pg", "pg");
    const server = await openDatabase({ dataDir: ".", role: "server" });
    const command = await openDatabase({ dataDir: deep, role: "command" });
    expect(await command.prisma.organization.count()).toBe(0);
    await command.close();
    await server.close();
  } finally {
    process.chdir(before);
  }
});

async function countWithForeignClient(dataDir: string): Promise<string> {
  const count = "select count(*) from organizations";
  try {
    const { stdout } = await promisify(execFile)("psql", ["-h", dataDir, "-U", "postgres", "-Atc", count]);
    return stdout.trim();
  } catch (error) {
    // Only a machine without psql: then by a client that knows no more than psql does.
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const client = new pg.Client({ host: dataDir, user: "postgres", database: "postgres" });
    await client.connect();
    const { rows } = await client.query(count);
    await client.end();
    return rows[0].count;
  }
}
