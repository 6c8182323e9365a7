import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { begin } from "../support/begin.js";
import { freePort } from "../support/free-port.js";
import { skipUnlessRequired } from "../support/skip.js";
import { PrivateCluster, whyNoCluster } from "../torture/crash/private-cluster.js";
import { checkNoLocksLeft, checkRows, checkStoredOnce } from "../torture/runner/checks.js";
import { addSalon } from "../torture/runner/salon.js";
import { Sender } from "../torture/runner/sender.js";
import { ServerProcess } from "../torture/runner/server-process.js";
import { Tally } from "../torture/runner/tally.js";

const pgbouncer = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].find(existsSync);
const missing =
  (await whyNoCluster()) ??
  (pgbouncer ? undefined : "pgbouncer is not installed (apt-get install pgbouncer)");

let cluster: PrivateCluster;
let folder = "";
const poolers: ChildProcess[] = [];

beforeAll(async () => {
  if (missing) return;
  cluster = await PrivateCluster.make();
  folder = await mkdtemp(path.join(tmpdir(), "regulars-pgbouncer-"));
  await chmod(folder, 0o755);
});

afterAll(async () => {
  if (missing) return;
  for (const pooler of poolers) pooler.kill("SIGKILL");
  await rm(folder, { recursive: true });
  await cluster.remove();
});

beforeEach((context) => skipUnlessRequired(context, missing));

async function createDatabase(name: string): Promise<void> {
  const admin = new pg.Client(cluster.url);
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
}

/** Starts a pgbouncer before the cluster. @returns its address without a database */
async function startPooler(...settings: string[]): Promise<string> {
  const port = await freePort();
  const file = path.join(folder, `${port}.ini`);
  const address = ["listen_addr = 127.0.0.1", `listen_port = ${port}`, "unix_socket_dir ="];
  const pool = ["[pgbouncer]", ...address, "auth_type = any", ...settings];
  const databases = ["[databases]", `* = host=127.0.0.1 port=${cluster.port} user=postgres`];
  await writeFile(file, [...databases, ...pool, ""].join("\n"));
  const child = cluster.spawn(pgbouncer as string, file);
  poolers.push(child);
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes("process up")) resolve();
    });
    child.once("exit", () => reject(new Error(`pgbouncer does not start: ${said.join("\n")}`)));
  });
  return `postgresql://postgres@127.0.0.1:${port}`;
}

describe("behind pgbouncer", () => {
  test("by session it works as Debian installs it, in the schema that the address names", async () => {
    await createDatabase("pooled");
    const url = await startPooler("pool_mode = session");
    expect(await begin(`${url}/pooled`)).toMatchObject({ schema: "public" });
    expect(await begin(`${url}/pooled?options=-c%20search_path%3Dpublic`)).toMatchObject({
      schema: "public",
    });
  });

  test.each(["transaction", "statement"])(
    "by %s it is refused by name, before anything is made",
    async (mode) => {
      await createDatabase(`by_${mode}`);
      const url = await startPooler(`pool_mode = ${mode}`, "ignore_startup_parameters = options");
      const { refusal } = await begin(`${url}/by_${mode}`);
      expect(refusal).toMatch(
        /The database is behind a pooler in transaction or statement mode: connect to Postgres directly .*session/,
      );
    },
    60_000,
  );

  test("what it refuses is shown in its own words", async () => {
    const url = await startPooler("pool_mode = session");
    expect((await begin(`${url}/postgres?options=endpoint%3Dep-1`)).refusal).toBe(
      "The database refuses the connection: unsupported startup parameter: options. Leave options out of DATABASE_URL, " +
        "or write ignore_startup_parameters = options into pgbouncer.ini.",
    );
  });

  test("by session a server under load answers every webhook with 200, and every row is exact", async () => {
    await createDatabase("loaded");
    const server = await ServerProcess.start(`${await startPooler("pool_mode = session")}/loaded`);
    onTestFinished(async () => void (await server.kill()));
    const databaseUrl = cluster.url.replace(/\w+$/, "loaded");
    const database = await openDatabase({ databaseUrl, dataDir: "", role: "command" });
    onTestFinished(() => database.close());
    const salon = await addSalon({ database }, "behind pgbouncer", 20);
    const events = salon.events.slice(0, 400);
    const tally = new Tally();
    const sender = new Sender({ url: () => server.url, tally });
    expect(await sender.deliver(events)).toBe(0);
    sender.close();
    expect(events.length).toBeGreaterThan(300);
    expect(sender.statuses).toEqual({ 200: events.length });
    expect([...sender.acknowledged.values()]).not.toContain("deferred");
    await checkStoredOnce(database, tally);
    await checkRows(database, salon.organizationId, events, new Date(), tally);
    expect((await server.stop()).code).toBe(0);
    await checkNoLocksLeft(database, tally);
    expect(tally.brokenPromises).toEqual([]);
    expect(tally.counts.rowsCompared).toBeGreaterThanOrEqual(10);
  }, 120_000);
});
