import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import { backUp } from "../../src/database/embedded/backup.js";
import { Inbox } from "../../src/inbox/inbox.js";
import { silentLog } from "../../src/log.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { openForCommands, regulars } from "../support/command-line.js";
import { emptyDataDir } from "../support/database.js";
import { received } from "../support/events.js";
import { nodeParameters } from "../support/program.js";
import { comparableTables } from "../support/square.js";
import { turbulence } from "../support/turbulence.js";

// This process serves it. The commands are its guests.
const { database, env } = await openForCommands();
const backups = await emptyDataDir();
const START = new Date("2026-02-01T00:00:00Z");
const NOW = new Date("2026-06-01T12:00:00Z");
const salon = simulateSalon({
  ...turbulence,
  seed: "backup",
  merchantId: "M",
  customers: 6,
  start: START,
  end: NOW,
});
const events = [...salon.events()].map(({ event }) => received(event));
const { id: organizationId } = await addOrganization(database, { merchantId: "M", name: "Salon" }, START);
await database.pool.query(
  "create table ledger_a (n int primary key); create table ledger_b (n int primary key)",
);

const inDataDir = async <Result>(dataDir: string, work: (restored: Database) => Promise<Result>) => {
  const restored = await openDatabase({ dataDir, role: "server" });
  try {
    return await work(restored);
  } finally {
    await restored.close();
  }
};

const ledgersOf = async ({ pool }: Database) => {
  const { rows } = await pool.query<{ a: number; b: number; last: number }>(
    "select (select count(*)::int from ledger_a) as a, (select count(*)::int from ledger_b) as b, (select max(n) from ledger_a) as last",
  );
  return rows[0] as { a: number; b: number; last: number };
};

test("a backup while events and transactions come in holds every commit before it, and no half of one", async () => {
  let ended = false;
  let committed = 0;
  const write = async () => {
    for (; !ended; committed += 1) {
      const n = committed + 1;
      await database.pool.query(
        `begin; insert into ledger_a values (${n}); insert into ledger_b values (${n}); commit`,
      );
    }
  };
  const inbox = new Inbox({ database, clock: () => NOW, log: silentLog });
  const outcomes: string[] = [];
  const receive = async () => {
    for (const event of events) outcomes.push(await inbox.receive(event));
  };
  const writing = write();
  const receiving = receive();
  while (committed < 20) await wait(5);
  const before = committed;
  const file = path.join(backups, "load.tar.gz");
  const { code, stdout, stderr } = await regulars(env, "backup", file, "--json");
  const after = committed + 1;
  await receiving;
  ended = true;
  await writing;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ file, held_ms: expect.any(Number) });
  expect(outcomes.every((outcome) => /^(processed|stale|ignored)$/.test(outcome))).toBe(true);
  expect(readdirSync(backups)).toEqual(["load.tar.gz"]);

  const dataDir = await emptyDataDir();
  const restored = await regulars({ DATA_DIR: dataDir }, "restore", file);
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining("pass  the schema is current") });
  const { a, b, last } = await inDataDir(dataDir, ledgersOf);
  expect([b, last]).toEqual([a, a]);
  expect(a).toBeGreaterThanOrEqual(before);
  expect(a).toBeLessThanOrEqual(after);
});

test("restored, every row of every table equals the server's", async () => {
  const file = path.join(backups, "quiet.tar.gz");
  expect(await regulars(env, "backup", file)).toMatchObject({ code: 0 });
  const dataDir = await emptyDataDir();
  expect(await regulars({ DATA_DIR: dataDir }, "restore", file, "--json")).toMatchObject({ code: 0 });
  const restored = await inDataDir(dataDir, (copy) => comparableTables(copy, organizationId));
  expect(restored).toEqual(await comparableTables(database, organizationId));
  expect(Object.values(restored).flat().length).toBeGreaterThan(50);
  const again = await regulars({ DATA_DIR: dataDir }, "restore", file);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("already holds a database") });
});

test("a file that grows before its turn to be copied is in the backup with its last size", async () => {
  const { DATA_DIR = "" } = env;
  const grows = path.join(DATA_DIR, "pg", "base", "grows");
  writeFileSync(grows, "one");
  let isFirst = true;
  const onProgress = () => {
    if (!isFirst) return;
    isFirst = false;
    appendFileSync(grows, " two");
    // A file that was changed within the last two seconds is copied again in any case.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_100);
  };
  const file = path.join(backups, "grown.tar.gz");
  const { signal } = new AbortController();
  await backUp(file, { dataDir: DATA_DIR, pool: database.pool, signal, now: NOW, onProgress });
  rmSync(grows);
  const dataDir = await emptyDataDir();
  expect(await regulars({ DATA_DIR: dataDir }, "restore", file)).toMatchObject({ code: 0 });
  expect(readFileSync(path.join(dataDir, "pg", "base", "grows"), "utf8")).toBe("one two");
});

test("a backup never overwrites a file, and a restore never enters a folder that a server has open", async () => {
  const file = path.join(backups, "taken");
  writeFileSync(file, "mine");
  const taken = await regulars(env, "backup", file);
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`${file} exists`) });
  expect(readFileSync(file, "utf8")).toBe("mine");
  const open = await regulars(env, "restore", path.join(backups, "quiet.tar.gz"));
  expect(open).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`in use by process ${process.pid}`),
  });
});

test("a file that is cut off, changed, foreign or missing restores nothing", async () => {
  const whole = readFileSync(path.join(backups, "quiet.tar.gz"));
  const changed = Buffer.from(whole);
  changed[whole.length >> 1] = (changed[whole.length >> 1] ?? 0) ^ 0xff;
  const files = { cut: whole.subarray(0, whole.length - 5_000), changed, foreign: Buffer.from("no archive") };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(backups, name), bytes);
  for (const name of [...Object.keys(files), "missing"]) {
    const dataDir = await emptyDataDir();
    const { code, stderr } = await regulars({ DATA_DIR: dataDir }, "restore", path.join(backups, name));
    expect(code, name).toBe(1);
    expect(stderr).toMatch(/Nothing was restored\.\n$/);
    expect(readdirSync(dataDir).filter((entry) => entry.startsWith("pg"))).toEqual([]);
  }
});

test("killed in the middle, a backup leaves no file of its name and a restore no database; the next ones work", async () => {
  const file = path.join(backups, "killed.tar.gz");
  await killWhen(() => existsSync(`${file}.part`), env, "backup", file);
  expect(existsSync(file)).toBe(false);
  expect(await regulars(env, "backup", file)).toMatchObject({ code: 0 });
  expect(existsSync(`${file}.part`)).toBe(false);

  const dataDir = await emptyDataDir();
  const begun = () => readdirSync(dataDir).some((name) => name.startsWith("pg.new-"));
  await killWhen(begun, { DATA_DIR: dataDir }, "restore", file);
  expect(existsSync(path.join(dataDir, "pg"))).toBe(false);
  expect(await regulars({ DATA_DIR: dataDir }, "restore", file)).toMatchObject({ code: 0 });
  expect(readdirSync(dataDir).filter((name) => name.startsWith("pg"))).toEqual(["pg"]);
});

/** Runs a command in a process, and kills the process when something has happened. */
async function killWhen(
  happened: () => boolean,
  env: Readonly<Record<string, string>>,
  ...parameters: string[]
) {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [...nodeParameters("src/main.ts"), ...parameters], {
    env: { PATH, ...env },
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  while (!happened() && child.exitCode === null) await wait(2);
  child.kill("SIGKILL");
  const [, signal] = await exited;
  expect(signal).toBe("SIGKILL");
}
