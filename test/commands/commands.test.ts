import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { definitionVersion } from "../../src/analytics/column.js";
import { savePosition } from "../../src/database/positions.js";
import { openForCommands, regulars } from "../support/command-line.js";

const { database, env } = await openForCommands();
const folder = await mkdtemp(path.join(tmpdir(), "regulars-commands-"));
afterAll(() => rm(folder, { recursive: true }));
const file = path.join(folder, "history.ndjson");

const MERCHANT = "MCOMMANDS";
const run = (...parameters: string[]) => regulars(env, ...parameters);

/** What a command that must succeed prints as JSON. */
async function json(...parameters: string[]) {
  const { code, stdout, stderr } = await run(...parameters, "--json");
  expect({ code, stderr }, parameters.join(" ")).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** What a command that must succeed shows on standard error when that is a terminal. */
async function shownOnTerminal(...parameters: string[]): Promise<string> {
  process.stderr.isTTY = true;
  const { code, stderr } = await run(...parameters).finally(() => {
    process.stderr.isTTY = wasTerminal;
  });
  expect(code, stderr).toBe(0);
  return stderr;
}
const wasTerminal = process.stderr.isTTY;

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.pool.query(sql)).rows;
}

/** One after the other on one database: each step starts from what the one before has left. */
describe("the command line", () => {
  it("migrate makes the schema, and is at peace with a current one; before it, others say what to do, or make an embedded one", async () => {
    await rows("drop schema public cascade");
    await rows("create schema public");
    const early = await run("org", "list");
    if (database.kind === "postgres") {
      expect(early).toMatchObject({ code: 1, stdout: "" });
      expect(early.stderr).toMatch(
        /^The database lacks \d+ migration\(s\): run "npm run regulars -- migrate" first\.\n$/,
      );
      expect(await shownOnTerminal("migrate")).toMatch(/0 of \d+ migrations, 0\/s/);
      const [first] = await rows("select migration_name as name from _prisma_migrations order by 1");
      expect(first).toEqual({ name: "0001_initial" });
    } else {
      expect(early).toMatchObject({ code: 0, stdout: expect.stringContaining("No organization yet") });
    }
    expect(await run("migrate")).toEqual({ code: 0, stdout: "The schema is current.\n", stderr: "" });
  });

  it("replay of an unknown merchant's events keeps them as ignored, and after org add brings them in", async () => {
    const simulated = await json(
      ...["simulate", "--out", file, "--merchant-id", MERCHANT, "--customers", "20"],
      ...["--from", "2026-01-01", "--to", "2026-02-15"],
    );
    const unknown = await json("replay", file);
    expect(unknown).toEqual({ events: simulated.events, outcomes: { ignored: simulated.events } });
    expect(await rows("select 1 from customer_analytics")).toEqual([]);

    const added = await run("org", "add", "--merchant-id", MERCHANT, "--name", "Salon");
    expect(added).toMatchObject({ code: 0, stderr: "" });
    expect(added.stdout).toMatch(/^[0-9a-f-]{36}\n$/);
    const adopted = await json("replay", "--status", "ignored");
    expect(adopted.events).toBe(simulated.events);
    expect(adopted.outcomes.processed).toBeGreaterThan(50);
    expect(adopted.outcomes).not.toHaveProperty("dead");
    expect((await rows("select 1 from customer_analytics")).length).toBeGreaterThan(5);

    expect(await json("replay", file)).toEqual({
      events: simulated.events,
      outcomes: { duplicate: simulated.events },
    });
  });

  it("replay brings in what can be read, names what cannot, and exits 1", async () => {
    const [first, ...others] = (await readFile(file, "utf8")).trim().split("\n");
    const damaged = path.join(folder, "damaged.ndjson");
    await writeFile(damaged, [first, "{", ...others].join("\n"));
    const answer = await run("replay", damaged, "--json");
    expect(answer.code).toBe(1);
    expect(answer.stderr).toMatch(
      /damaged\.ndjson, line 2: .*\nSome events had no effect: 1 unreadable\.\n$/,
    );
    expect(JSON.parse(answer.stdout).outcomes).toEqual({ duplicate: others.length + 1, unreadable: 1 });
  });

  it("org add again changes what is given, keeps the id, and leaves rows exact; a bad currency or time zone is refused", async () => {
    const [before] = await json("org", "list");
    expect(before).toMatchObject({
      merchant_id: MERCHANT,
      currency: "USD",
      time_zone: "America/Los_Angeles",
    });
    const add = (...more: string[]) =>
      run("org", "add", "--merchant-id", MERCHANT, "--name", "Salon", ...more);
    const [again, currency, zone] = await Promise.all([
      add("--time-zone", "Europe/London", "--json"),
      add("--currency", "dollars"),
      add("--time-zone", "Mars/Olympus"),
    ]);
    const { recomputed, ...answer } = JSON.parse(again.stdout);
    expect(answer).toEqual({ id: before.id, created: false });
    expect(recomputed.written).toBeGreaterThan(0);
    expect(currency).toMatchObject({ code: 1, stdout: "" });
    expect(currency.stderr).toMatch(/currency/);
    expect(zone).toMatchObject({ code: 1, stdout: "" });
    expect(zone.stderr).toMatch(/time zone/);
    expect(await rows("select name, currency, time_zone from organizations")).toEqual([
      { name: "Salon", currency: "USD", time_zone: "Europe/London" },
    ]);
    expect(await rows("select distinct time_zone, currency from locations where is_placeholder")).toEqual([
      { time_zone: "Europe/London", currency: "USD" },
    ]);
    expect(await json("refresh", "--mode", "full")).toMatchObject({ written: 0, deleted: 0 });
  });

  it("refresh --mode full finds nothing to write the second time", async () => {
    const first = await json("refresh", "--mode", "full");
    expect(first).toMatchObject({ mode: "full", organizations: 1, written: 0, deleted: 0, resumed: false });
    expect(first.checked).toBeGreaterThan(5);
  });

  it("refresh goes on where a killed run stopped, and the next one begins anew; so it does after another version's or last week's", async () => {
    const ids = (await rows("select square_customer_id as id from customer_analytics order by id")).map(
      ({ id }) => id,
    );
    await rows("update customer_analytics set total_bookings = -1");
    const cutOff = async (hoursAgo: number, version: number) => {
      const position = {
        after: ids[2],
        started_at: new Date(Date.now() - hoursAgo * 3_600_000).toISOString(),
      };
      const [salon] = await rows("select id from organizations");
      await savePosition(database.pool, String(salon?.id), `refresh/full/${version}`, position, new Date());
    };
    await cutOff(1, definitionVersion);
    const resumed = await json("refresh", "--mode", "full");
    expect(resumed).toMatchObject({ written: ids.length - 3, resumed: true });
    await cutOff(1, definitionVersion - 1);
    await cutOff(25, definitionVersion);
    expect(await json("refresh", "--mode", "full")).toMatchObject({ written: 3, resumed: false });
  });

  it("sanity-check passes, and exits 1 on a damaged row until recompute has repaired it", async () => {
    const good = await json("sanity-check", "--all");
    expect(good.passed).toBe(true);
    expect(good.steps).toHaveLength(10);
    expect(await shownOnTerminal("sanity-check", "--all")).toMatch(
      /(\d+) of \1 rows compared, \d+\/s, 0 s left/,
    );
    const [victim] = await rows(
      `update customer_analytics set total_bookings = 99
       where square_customer_id = (select min(square_customer_id) from customer_analytics)
       returning square_customer_id as id`,
    );
    const bad = await run("sanity-check", "--all");
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(
      /^FAIL {2}every column equals its recomputation \(all rows\): 1 of \d+ differ$/m,
    );
    expect(bad.stdout).toContain(`${victim?.id}: total_bookings`);

    const repaired = await json("recompute", "--customer", String(victim?.id));
    expect(Object.keys(repaired.drift)).toEqual(["total_bookings"]);
    expect(repaired).toMatchObject({ changed: true, customer: { square_customer_id: victim?.id } });
    const nobody = await run("recompute", "--customer", "NOBODY");
    expect(nobody).toEqual({ code: 1, stdout: "", stderr: "This organization has no such customer.\n" });
  });

  it("events list shows the inbox without anybody's data", async () => {
    const listed = await json("events", "list", "--type", "booking.created", "--limit", "2");
    expect(listed).toHaveLength(2);
    expect(Object.keys(listed[0]).sort()).toEqual([
      ...["attempts", "event_id", "event_type", "last_error", "merchant_id", "next_attempt_at"],
      ...["organization_id", "processed_at", "received_at", "source", "status"],
    ]);
    const wrong = await run("events", "list", "--status", "lost");
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/processed, stale, ignored, deferred, dead/);
  });

  it("export writes what is held, to a file or standard output, and replay takes its events in again", async () => {
    const out = path.join(folder, "export.ndjson");
    const summary = await json("export", "--out", out);
    const { booking, customer_analytics, webhook_event } = summary.objects;
    expect(summary).toMatchObject({ customer_id: null, out, resumed: false });
    const lines = (await readFile(out, "utf8")).trimEnd().split("\n");
    const sum = Object.values<number>(summary.objects).reduce((all, count) => all + count, 0);
    expect([lines.length, booking > 5, customer_analytics > 5]).toEqual([sum + 1, true, true]);
    const replayed = await json("replay", out);
    expect(replayed).toEqual({ events: webhook_event, outcomes: { duplicate: webhook_event } });

    const [somebody] = await rows("select min(square_customer_id) as id from customer_analytics");
    const printed = await run("export", "--customer", String(somebody?.id));
    expect(printed.code).toBe(0);
    expect(printed.stderr).toMatch(/^\d+ objects: .*1 customer_analytics, \d+ webhook_event\.\n$/);
    const [header, ...about] = printed.stdout.trimEnd().split("\n");
    expect(JSON.parse(header ?? "")).toMatchObject({ type: "export", customer_id: somebody?.id });
    expect(lines.filter((line) => about.includes(line))).toEqual(about);

    const nobody = await run("export", "--customer", "NOBODY");
    expect(nobody).toEqual({ code: 1, stdout: "", stderr: "This organization has no such customer.\n" });
  });
});
