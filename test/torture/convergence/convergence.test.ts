import { afterAll, expect, test } from "vitest";
import { openTestDatabase } from "../../support/database.js";
import { databaseUrl } from "../../support/database-url.js";
import { checkConvergence } from "./property.js";
import { openStage } from "./stage.js";

const database = await openTestDatabase();
const isPostgres = database.kind === "postgres";
const { rows } = await database.pool.query("select current_database() as name");
const stage = await openStage(database, isPostgres ? databaseUrl(rows[0].name) : undefined);
afterAll(() => stage.close());

/** A story takes ten times as long on the embedded database, because each commit waits for the disk. */
const RUNS = isPostgres ? 75 : 8;

/** `CONVERGENCE_REPLAY=seed:path` repeats one story. A failure prints it. */
const [seed = "20260303", path] = (process.env.CONVERGENCE_REPLAY ?? "").split(/:(.*)/s).filter(Boolean);

test(`${RUNS} random stories end in the same tables, however their events arrive`, {
  timeout: 900_000,
}, async () => {
  const { counterexample } = await checkConvergence(stage, {
    runs: RUNS,
    seed: Number(seed),
    ...(path !== undefined && { path }),
  });
  if (counterexample !== undefined) expect.fail(counterexample);
});
