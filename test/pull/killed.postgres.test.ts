import { beforeEach, expect, test, vi } from "vitest";
import { openForCommands } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { Script } from "../support/processes.js";
import { comparableTables, connectSalon, openSquareWorld } from "../support/square.js";
import { runBackfill } from "../support/square-context.js";
import { turbulence } from "../support/turbulence.js";

const { database, env } = await openForCommands();

beforeEach(() => emptyDatabase(database));

test("a sweep killed at any request to Square is completed by the next one", async () => {
  const world = await openSquareWorld(database, {
    seed: "killed while asking",
    customers: 6,
  });
  expect([...world.salon.events()].length).toBeGreaterThan(100);
  world.clock.now = new Date("2026-06-01T12:00:00Z");
  const where = env.DATABASE_URL ?? "";
  const sweep = () => new Script("sweep", where, "recent", world.clock.now.toISOString(), world.square.url);
  const whole = await connectSalon(database, world);
  const [first] = (await sweep().rest()).slice(-1);

  expect(JSON.parse(first ?? "")).toMatchObject({ success: true, errors: [] });
  const expected = await comparableTables(database, whole);
  await emptyDatabase(database);

  const again = await connectSalon(database, world);
  for (const after of [4, 11]) {
    const stuck = world.square.fail({ kind: "no-answer" }, { after, times: 1 });
    const killed = sweep();
    await vi.waitUntil(() => stuck.hits > 0, { timeout: 150_000, interval: 20 });
    await killed.kill();
  }
  const { rows } = await database.pool.query(
    "select payload from application_logs where status = 'processing'",
  );
  expect(rows).toHaveLength(1);
  // Postgres notices that the connection of a killed process is gone, and may need a moment.
  const last = await vi.waitUntil(
    async () => {
      const [answer] = (await sweep().rest()).slice(-1);
      const report = JSON.parse(answer ?? "");
      return "skipped" in report ? undefined : report;
    },
    { timeout: 150_000 },
  );
  expect(last).toMatchObject({ success: true, errors: [], complete: true });
  expect(await comparableTables(database, again)).toEqual(expected);
  expect(expected.customer_analytics.length).toBeGreaterThan(2);
}, 300_000);

test("a backfill killed anywhere continues there and gives the same tables", async () => {
  const world = await openSquareWorld(database, {
    seed: "backfilled",
    customers: 8,
    rates: { ...turbulence.rates, profileDeleted: 0 },
  });
  expect([...world.salon.events()].length).toBeGreaterThan(100);
  // The script uses the machine's clock. The windows of a salon in the past are the same for both.
  world.clock.now = new Date();
  const id = await connectSalon(database, world);
  await runBackfill(world, id);
  const expected = await comparableTables(database, id);
  expect(expected.customer_analytics.length).toBeGreaterThan(2);
  await emptyDatabase(database);
  const again = await connectSalon(database, world);
  const parameters = [env.DATABASE_URL ?? "", "", world.square.url, again];
  for (const after of [12, 5]) {
    const stuck = world.square.fail({ kind: "no-answer" }, { after, times: 1 });
    const script = new Script("backfill", ...parameters);
    await vi.waitUntil(() => stuck.hits > 0, { timeout: 150_000, interval: 20 });
    await script.kill();
  }
  const requests = world.square.requests.length;
  const [answer] = await new Script("backfill", ...parameters).rest();
  expect(JSON.parse(answer ?? "")).toMatchObject({ resumed: true });
  const lists = world.square.requests
    .slice(requests)
    .filter(({ path }) => path === "/v2/team-members/search");
  expect(lists, "what was read whole is not read again").toEqual([]);
  expect(await comparableTables(database, again)).toEqual(expected);
}, 300_000);
