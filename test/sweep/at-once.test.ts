import { beforeEach, expect, test, vi } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { Sweeps } from "../../src/sweep/background.js";
import { sweep } from "../../src/sweep/sweep.js";
import { addSalon } from "../support/app.js";
import { openForCommands } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { Script } from "../support/processes.js";
import { addProfiles, contextAt, heldSweep, nothingWrong, reportOf, sweepAt } from "../support/sweeping.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const { database, env } = await openForCommands();
const where = env.DATABASE_URL ?? env.DATA_DIR ?? "";
const skipped = { success: true, skipped: "already_running" };
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  organizationId = await addSalon(database);
  await addProfiles(database, organizationId, 600);
});

async function logRows() {
  const { rows } = await database.pool.query(
    "select status, payload from application_logs order by created_at, status desc",
  );
  return rows;
}

test("of two sweeps in one process one runs and the other answers already_running; the next one runs", async () => {
  const first = heldSweep(database, NOW);
  await first.begun;
  expect(
    await sweep(
      contextAt(database, () => NOW),
      "full",
    ),
  ).toEqual(skipped);
  first.go();
  expect(reportOf(await first.sweeping)).toMatchObject({ created: 600, success: true });
  expect(await logRows()).toHaveLength(1);
  expect(await sweepAt(database, NOW)).toMatchObject(nothingWrong);
});

test("of many sweeps at once over two connections exactly one runs", async () => {
  const other = await openDatabase({
    ...(env.DATABASE_URL ? { databaseUrl: env.DATABASE_URL, dataDir: "" } : { dataDir: where }),
    role: "command",
  });
  const answers = await Promise.all(
    [database, other, database, other].map((each) =>
      sweep(
        contextAt(each, () => NOW),
        "recent",
      ),
    ),
  );
  await other.close();
  expect(answers.filter((answer) => "skipped" in answer)).toEqual([skipped, skipped, skipped]);
  expect(await logRows()).toHaveLength(1);
});

test("while this process sweeps, another process's sweep answers already_running, and runs afterwards", async () => {
  const first = heldSweep(database, NOW);
  await first.begun;
  const [line] = (await new Script("sweep", where, "full", NOW.toISOString()).rest()).slice(-1);
  expect(JSON.parse(line ?? "")).toEqual(skipped);
  first.go();
  await first.sweeping;
  const [after] = (await new Script("sweep", where, "full", NOW.toISOString()).rest()).slice(-1);
  expect(JSON.parse(after ?? "")).toMatchObject({ ...nothingWrong, checked: 600 });
});

test("after a killed sweep the next one closes its row, continues and gives the same tables", async () => {
  const script = new Script("sweep", where, "full", NOW.toISOString());
  while (!(await script.line()).startsWith("check"));
  await script.kill();
  const [killed] = await logRows();
  expect(killed).toMatchObject({ status: "processing", payload: { mode: "full" } });

  // Postgres notices that the connection of the killed process is gone, and may need a moment.
  const context = contextAt(database, () => NOW);
  const answer = await vi.waitUntil(
    async () => {
      const tried = await sweep(context, "recent");
      return "skipped" in tried ? undefined : tried;
    },
    { timeout: 60_000, interval: 20 },
  );
  expect(answer).toMatchObject({ success: true, complete: true, checked: 600 });
  expect(answer.created).toBeLessThanOrEqual(350);
  const rows = await logRows();
  expect(rows).toMatchObject([
    { status: "error", payload: { success: false, errors: [{ code: "interrupted" }] } },
    { status: "completed" },
  ]);
  expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, checked: 600 });
});

test("a stopping process waits for its sweeps", async () => {
  const stop = new AbortController();
  const sweeps = new Sweeps(contextAt(database, () => NOW, { signal: stop.signal }));
  const sweeping = sweeps.run("full");
  stop.abort();
  await sweeps.idle();
  expect(reportOf(await sweeping)).toMatchObject({ success: false, complete: false });
  expect((await logRows()).map(({ status }) => status)).toEqual(["error"]);
});
