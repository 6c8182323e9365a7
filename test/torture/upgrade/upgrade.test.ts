import { expect, test } from "vitest";
import { emptyDatabase, openTestDatabase } from "../../support/database.js";
import { earlierStates } from "./old-database.js";
import { upgrade } from "./upgrading.js";

const newest = await openTestDatabase();
const old = await openTestDatabase();

test.each(await earlierStates())(
  "data written under %s survives the migration to the newest schema, and its rows follow the newest definitions",
  async (last) => {
    const empty = () => emptyDatabase(newest);
    const { wrong, rows } = await upgrade(newest, old, { last, seed: `upgraded from ${last}`, empty });
    expect(wrong).toEqual([]);
    expect(rows).toBeGreaterThan(50);
  },
);
