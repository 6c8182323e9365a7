import fs from "node:fs";
import { mkdir, readdir, readFile, rename, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import { Cluster } from "../../src/database/embedded/cluster.js";
import { emptyDataDir, migratedDataDir } from "../support/database.js";
import { Script } from "../support/processes.js";

test("a creation killed in the middle is made anew, and leaves nothing of itself", async () => {
  const dataDir = await emptyDataDir();
  const creator = new Script("open-database", dataDir, "server");
  // PG_VERSION is among the first files to appear: with it, half a database looks like one.
  await expect.poll(() => unfinished(dataDir), { interval: 5 }).toContain("PG_VERSION");
  await creator.kill();
  expect(await readdir(dataDir)).not.toContain("pg");

  const database = await openDatabase({ dataDir, role: "server" });
  await worksEndToEnd(database);
  expect((await readdir(dataDir)).sort()).toEqual([".s.PGSQL.5432", "lock", "pg"]);
  await database.close();
  expect(await readdir(dataDir)).toEqual(["pg"]);
});

test("a folder with data is opened as it is, never made anew", async () => {
  const dataDir = await migratedDataDir();
  const made = (await stat(path.join(dataDir, "pg", "PG_VERSION"))).ino;
  const database = await openDatabase({ dataDir, role: "server" });
  await database.close();
  expect((await stat(path.join(dataDir, "pg", "PG_VERSION"))).ino).toBe(made);
});

test("a folder that holds files but no database is refused and left alone", async () => {
  const dataDir = await emptyDataDir();
  await mkdir(path.join(dataDir, "pg"));
  await writeFile(path.join(dataDir, "pg", "diary.txt"), "dear diary");
  await expect(openDatabase({ dataDir, role: "server" })).rejects.toMatchObject({
    code: "data_dir_unusable",
  });
  expect(await readFile(path.join(dataDir, "pg", "diary.txt"), "utf8")).toBe("dear diary");
  expect(await readdir(dataDir)).toEqual(["pg"]);
});

test("a database that is damaged or of another version is refused in one line, and not touched", async () => {
  const dataDir = await migratedDataDir();
  const version = path.join(dataDir, "pg", "PG_VERSION");
  const control = path.join(dataDir, "pg", "global", "pg_control");
  for (const [file, content, says] of [
    [version, "19\n", /of Postgres 19\. This release reads Postgres 18 only: nothing was changed$/],
    [version, "\0\0", /PG_VERSION is damaged/],
    [control, "nothing", /its files are damaged: restore a backup/],
  ] as const) {
    const whole = await readFile(file);
    await writeFile(file, content);
    const refused = await openDatabase({ dataDir, role: "server" }).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "data_dir_unusable", message: expect.stringMatching(says) });
    expect(String((refused as Error).message)).not.toContain("\n");
    expect(await readFile(file, "utf8")).toBe(content);
    await writeFile(file, whole);
  }
  const mended = await openDatabase({ dataDir, role: "server" });
  expect(await mended.prisma.organization.count()).toBe(0);
  await mended.close();
});

test("a folder that cannot be made or is none is refused in one line", async () => {
  const folder = await emptyDataDir();
  const [file = "", loop = "", dangling = ""] = ["file", "loop", "dangling"].map((name) =>
    path.join(folder, name),
  );
  await writeFile(file, "");
  await symlink("loop", loop);
  await symlink("nowhere", dangling);
  // Linux answers ENOENT to mkdir in /proc, though the parent is there.
  for (const dataDir of [
    file,
    path.join(file, "below"),
    loop,
    path.join(loop, "below"),
    dangling,
    "/proc/regulars/data",
  ]) {
    await expect(openDatabase({ dataDir, role: "server" }), dataDir).rejects.toThrow(
      /^DATA_DIR .* cannot be used: /,
    );
  }
});

test("a path with spaces and letters of any script works, and so does a link to it", async () => {
  const dataDir = await migratedDataDir();
  const named = path.join(dataDir, "Salón Ünal & Söhne 美容");
  await mkdir(named);
  await rename(path.join(dataDir, "pg"), path.join(named, "pg"));
  await symlink(named, path.join(dataDir, "link"));
  const server = await openDatabase({ dataDir: named, role: "server" });
  const command = await openDatabase({ dataDir: path.join(dataDir, "link"), role: "command" });
  expect(await command.prisma.organization.count()).toBe(0);
  await command.close();
  await server.close();
});

test("a commit has been synced to the disk when it is acknowledged", async () => {
  const cluster = await Cluster.open(path.join(await migratedDataDir(), "pg"));
  await cluster.exec("create table kept (number int)");
  const sync = vi.spyOn(fs, "fsyncSync");
  for (let number = 1; number <= 5; number += 1) {
    await cluster.query("insert into kept values ($1)", [number]);
    expect(sync).toHaveBeenCalledTimes(number);
  }
  await cluster.query("select number from kept");
  expect(sync).toHaveBeenCalledTimes(5);
  sync.mockRestore();
  await cluster.close();
});

async function unfinished(dataDir: string): Promise<string[]> {
  const folder = (await readdir(dataDir)).find((name) => name.startsWith("pg.new-"));
  return folder === undefined ? [] : readdir(path.join(dataDir, folder));
}

async function worksEndToEnd({ pool }: Database): Promise<void> {
  await pool.query("create table kept (number int)");
  await pool.query("insert into kept values (1)");
  expect((await pool.query("select number from kept")).rows).toEqual([{ number: 1 }]);
}
