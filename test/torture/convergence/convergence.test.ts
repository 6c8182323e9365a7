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

/** The embedded database takes ten times as long for each story: every commit of it waits for the disk, one after the other. */
const RUNS = isPostgres ? 75 : 8;

/** `CONVERGENCE_REPLAY=seed:path`, as a failure prints it, plays that story alone. */
const [seed = "20260303", path] = (process.env.CONVERGENCE_REPLAY ?? "").split(/:(.*)/s).filter(Boolean);

test(`${RUNS} random stories end in the same tables, however their events come in`, {
  timeout: 900_000,
}, async () => {
  const { counterexample } = await checkConvergence(stage, {
    runs: RUNS,
    seed: Number(seed),
    ...(path !== undefined && { path }),
  });
  if (counterexample !== undefined) expect.fail(counterexample);
});
