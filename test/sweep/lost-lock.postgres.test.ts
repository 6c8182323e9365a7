import { expect, test } from "vitest";
import { sweep } from "../../src/sweep/sweep.js";
import { addSalon } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { addProfiles, contextAt, heldSweep, reportOf } from "../support/sweeping.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const database = await openTestDatabase();

test("a sweep that lost its lock with its connection ends after its chunk, and reports it", async () => {
  await addProfiles(database, await addSalon(database), 600);
  const first = heldSweep(database, NOW);
  await first.begun;
  const { rows } = await database.pool.query(
    `select pg_terminate_backend(pid, 30000) as gone from pg_locks where locktype = 'advisory' and objsubid = 2
       and database = (select oid from pg_database where datname = current_database())`,
  );
  expect(rows).toEqual([{ gone: true }]);
  const answer = await sweep(
    contextAt(database, () => NOW),
    "recent",
  );
  expect(answer).toMatchObject({ success: true, created: 600 });
  first.go();
  expect(reportOf(await first.sweeping)).toMatchObject({
    success: false,
    checked: 0,
    errors: [{ code: "interrupted" }],
  });
});
