import { beforeAll, expect, test } from "vitest";
import { addSalon, adminHeaders, NOW, openTestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const database = await openTestDatabase();
let salon: string;
let other: string;

beforeAll(async () => {
  salon = await addSalon(database);
  other = await addSalon(database, "MOTHER");
  for (const organizationId of [salon, other]) {
    await insert(database, organizationId, "bookings", [
      { booking_id: "b1", customer_id: "ana", start_at: "2026-05-20T12:00:00Z" },
      { booking_id: "b2", customer_id: "bea", start_at: "2026-05-21T12:00:00Z" },
    ]);
    await recomputeAt(database, organizationId, ["ana", "bea"], NOW.toISOString());
  }
});

async function get(path: string, organizationId = salon) {
  const app = await openTestApp(database);
  const url = `/api/organizations/${organizationId}/${path}`;
  const answer = await app.http.inject({ url, headers: adminHeaders });
  return answer.json();
}

const moves = "segments/movements/customers?from=2026-05-01&to=2026-05-31&to_segment=NEW";
const cohort = "retention/customers?from=2026-05-01&to=2026-05-31&cohort=2026-05";

test.each([
  [moves, `${moves}&from_segment=NEVER_VISITED`],
  [cohort, `${cohort}&counted=eligible_30d`],
])(
  "%s comes in pages, and a page's cursor opens no other list and no other organization's",
  async (list, another) => {
    const first = await get(`${list}&limit=1`);
    expect(first.customers).toMatchObject([{ square_customer_id: "ana" }]);
    const cursor = `cursor=${first.next_cursor}`;
    expect(await get(`${list}&limit=1&${cursor}`)).toMatchObject({
      customers: [{ square_customer_id: "bea" }],
      next_cursor: null,
    });
    expect((await get(`${another}&${cursor}`)).code).toBe("invalid_cursor");
    expect((await get(`${list}&${cursor}`, other)).code).toBe("invalid_cursor");
  },
);

test("an empty cohort names the one that is null, and no cohort all of them", async () => {
  const list = (query: string) =>
    get(`retention/customers?by=technician&from=2026-05-01&to=2026-05-31${query}`);
  const both = [{ square_customer_id: "ana", cohort: null }, { square_customer_id: "bea" }];
  expect((await list("&cohort=")).customers).toMatchObject(both);
  expect((await list("")).customers).toMatchObject(both);
  expect((await list("&cohort=T1")).customers).toEqual([]);
});
