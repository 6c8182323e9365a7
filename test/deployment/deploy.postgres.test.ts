import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { addOrganization } from "../../src/organizations/organizations.js";
import { type Environment, openForCommands } from "../support/command-line.js";
import { nodeParameters } from "../support/program.js";
import { nextRelease } from "../support/release.js";
import { connectSalon, openSquareWorld } from "../support/square.js";
import { TOKEN_KEY } from "../support/square-context.js";

const EXPAND = { "9001_more": "create table further_things (id integer primary key);" };
const CONTRACT = { "9002_less_contract": "create table gone (id integer); drop table gone;" };
const BROKEN = { "9003_broken": "create table half (id integer); select 1 / 0;" };

/** Runs scripts/deploy.sh of a release in a folder of its own. */
function deploy(release: string, variables: string | Environment, ...options: string[]) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    const env = {
      PATH: process.env.PATH ?? "",
      ...(typeof variables === "string" ? { DATABASE_URL: variables } : variables),
      REGULARS: ["node", ...nodeParameters("src/main.ts", release)].join(" "),
    };
    const script = path.join(release, "scripts/deploy.sh");
    execFile("bash", [script, ...options], { env, timeout: 170_000 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

/** A database of the present release, without rows. */
async function migrated() {
  const { database, env } = await openForCommands();
  return { database, url: env.DATABASE_URL ?? "" };
}

test("deploy.sh brings an empty database to the release, and a second run loads the history where there is a token", async () => {
  const release = nextRelease({});
  const { database, url } = await migrated();
  await database.pool.query("drop schema public cascade; create schema public");
  const first = await deploy(release, url);
  expect(first.output).toContain("applied 0001_initial");
  expect(first.output).toContain("pass  the schema is current");
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining("the database is ready") });
  const world = await openSquareWorld(database, { seed: "first load", customers: 4 });
  for (const _ of world.salon.events());
  const connected = await connectSalon(database, world);
  await addOrganization(database, { merchantId: "MLOTHER", name: "Other" }, new Date());
  const variables = {
    ...{ DATABASE_URL: url, SQUARE_BASE_URL: world.square.url },
    TOKEN_ENCRYPTION_KEY: TOKEN_KEY.toString("base64"),
  };
  const second = await deploy(release, variables, "--first-load");
  expect(second).toMatchObject({ code: 0, output: expect.stringContaining("The schema is current.") });
  expect(second.output).not.toContain("pg_dump");
  expect(second.output).toContain("MLOTHER is left out: there is no access token");
  const { rows } = await database.pool.query(
    "select organization_id as id, count(*)::int as bookings from bookings group by organization_id",
  );
  expect(rows).toEqual([{ id: connected, bookings: world.salon.truth.bookings.size }]);
  expect(await deploy(release, url, "--unknown")).toMatchObject({ code: 2 });
});

test("deploy.sh stops at a migration that fails; the release before goes on, and the mended one ends the work", async () => {
  const { url } = await migrated();
  const broken = await deploy(nextRelease({ ...EXPAND, ...BROKEN }), url);
  expect(broken.code).not.toBe(0);
  expect(broken.output).toContain("pg_dump --format=custom");
  expect(broken.output).toContain("Migration 9003_broken failed: division by zero");
  expect(broken.output).toContain("deploy: stopped while migrating.");
  expect(broken.output).toContain("after expand migrations start the release before");
  expect(broken.output).not.toContain("== checking the data");
  // Going back as it says: the release before runs on the schema that the first migration left.
  expect(await deploy(nextRelease({}), url)).toMatchObject({ code: 0 });
  expect(await deploy(nextRelease(EXPAND), url)).toMatchObject({ code: 0 });
});

test("deploy.sh applies a contract only when the servers before it are stopped; then the release before refuses", async () => {
  const { url } = await migrated();
  const next = nextRelease(CONTRACT);
  const early = await deploy(next, url);
  expect(early.code).not.toBe(0);
  expect(early.output).toContain("run this again with --servers-stopped");
  expect(early.output).not.toContain("applied 9002");
  expect(await deploy(next, url, "--servers-stopped")).toMatchObject({ code: 0 });
  const back = await deploy(nextRelease({}), url);
  expect(back.code).not.toBe(0);
  expect(back.output).toContain("holds migration 9002_less_contract, which this build does not know");
});

test("a pending contract: migrate --status says to stop the servers first and changes nothing, and migrate applies it", async () => {
  const { database, url } = await migrated();
  const release = nextRelease({ ...EXPAND, ...CONTRACT });
  const migrateWith = async (...options: string[]) => {
    const { stdout } = await promisify(execFile)(
      "node",
      [...nodeParameters("src/main.ts", release), "migrate", ...options],
      { env: { PATH: process.env.PATH, DATABASE_URL: url } },
    );
    return stdout;
  };
  const status = async () => JSON.parse(await migrateWith("--status", "--json"));
  expect(await status()).toMatchObject({ pending: 2, stop_servers_first: true, mismatch: null });
  expect(await migrateWith("--status")).toMatch(
    /^pending {2}expand .*9001_more\npending {2}contract .*9002_less_contract\n2 pending\. Stop the servers of earlier releases first\.\n$/m,
  );
  expect((await database.pool.query("select to_regclass('further_things') as made")).rows[0].made).toBeNull();
  expect(await migrateWith()).toBe("applied 9001_more\napplied 9002_less_contract\n");
  expect(await status()).toMatchObject({ pending: 0, stop_servers_first: false, mismatch: null });
});

test("deploy.sh stops when the sanity check fails, and says how to go back", async () => {
  const { url, database } = await migrated();
  await addOrganization(database, { merchantId: "M", name: "Salon" }, new Date());
  await database.pool.query(
    `insert into customers (organization_id, square_customer_id, version, order_key)
     select id, 'C', 1, '' from organizations`,
  );
  const { code, output } = await deploy(nextRelease({}), url);
  expect(code).not.toBe(0);
  expect(output).toMatch(/FAIL {2}/);
  expect(output).toContain("deploy: stopped while checking the data.");
  expect(output).not.toContain("the database is ready");
});
