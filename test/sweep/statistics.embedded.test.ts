import { expect, test } from "vitest";
import { addSalon } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { addProfiles, sweepAt } from "../support/sweeping.js";

const database = await openTestDatabase();

test("after a sweep the embedded database's planner knows how many rows a table holds", async () => {
  const salon = await addSalon(database);
  await addProfiles(database, salon, 30);
  await sweepAt(database, new Date("2026-06-01T12:00:00Z"));
  const { rows } = await database.pool.query<{ reltuples: number }>(
    "select reltuples from pg_class where oid = 'customers'::regclass",
  );
  expect(rows).toEqual([{ reltuples: 30 }]);
});
