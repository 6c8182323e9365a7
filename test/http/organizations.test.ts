import { beforeEach, expect, test } from "vitest";
import { recompute } from "../../src/analytics/recompute.js";
import { setSegmentDays } from "../../src/analytics/segment-days.js";
import { inTransaction } from "../../src/database/transaction.js";
import { lockCustomers } from "../../src/facts/locks.js";
import { addSalon, adminHeaders, NOW, openSalonApp, type TestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bookingEvent } from "../support/events.js";
import { nothingWrong, sweepAt } from "../support/sweeping.js";
import { addLocations, analyticsDifferences, readFacts } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const database = await openTestDatabase();
let app: TestApp;
let salon: string;

beforeEach(async () => {
  ({ app, salon } = await openSalonApp(database));
});

const get = async (url: string) => (await app.http.inject({ url, headers: adminHeaders })).json();
const customer = (id: string) => `/api/organizations/${salon}/customers/${id}`;
const patch = (payload: object, id = salon) =>
  app.http.inject({ method: "PATCH", url: `/api/organizations/${id}`, headers: adminHeaders, payload });
const days = (segment_days: object) => ({ segment_days });

/** Ten customers, each with one visit so many days ago. */
const DAYS_AGO = [1, 10, 20, 31, 41, 43, 60, 89, 91, 200];
async function addVisits(): Promise<void> {
  for (const ago of DAYS_AGO) {
    const start_at = new Date(NOW.getTime() - ago * 86_400_000).toISOString();
    const { status } = await app.deliver(bookingEvent({ id: `b${ago}`, customer_id: `c${ago}`, start_at }));
    expect(status).toBe(200);
  }
}

test("organizations are listed with their places, their settings, and when something was heard and swept last", async () => {
  await addLocations(database, salon, [
    { square_location_id: "north", name: "North", time_zone: "America/Denver" },
  ]);
  await insert(database, salon, "team_members", [
    { square_team_member_id: "t1", status: "INACTIVE" },
    { square_team_member_id: "t2", given_name: "Ines", family_name: "Marlow" },
  ]);
  await app.deliver(bookingEvent({ location_id: "north" }));
  await addSalon(database, "M-OTHER");
  await sweepAt(database, NOW);
  const { organizations } = await get("/api/organizations");
  expect(organizations).toHaveLength(2);
  expect(organizations[0]).toEqual({
    id: salon,
    name: "Harbor Salon",
    currency: "USD",
    time_zone: "America/Los_Angeles",
    status: "active",
    last_event_at: NOW.toISOString(),
    last_sweep_at: NOW.toISOString(),
    locations: [
      { location_id: "north", name: "North", time_zone: "America/Denver", currency: "USD", status: "ACTIVE" },
    ],
    team_members: [
      { team_member_id: "t2", name: "Ines Marlow", status: "ACTIVE" },
      { team_member_id: "t1", name: "t1", status: "INACTIVE" },
    ],
    segment_days: { new: 30, active: 42, at_risk: 90 },
  });
  expect(organizations[1]).toMatchObject({ last_event_at: null, locations: [], team_members: [] });
});

test("other segment days make every row due, are exact at once when read, and are no drift", async () => {
  await addVisits();
  await addSalon(database, "M-OTHER");
  const answer = await patch(days({ new: 15, active: 35, at_risk: 70 }));
  expect([answer.statusCode, answer.json()]).toEqual([202, { customers: DAYS_AGO.length }]);
  const read = await get(customer("c20"));
  expect(read.customer.customer_segment).toBe("ACTIVE");
  await app.sweeps.idle();
  expect(await analyticsDifferences(database, salon, await readFacts(database, salon), NOW)).toEqual([]);
  const { organizations } = await get("/api/organizations");
  expect(organizations.map(({ segment_days }: { segment_days: object }) => segment_days)).toEqual([
    { new: 15, active: 35, at_risk: 70 },
    { new: 30, active: 42, at_risk: 90 },
  ]);
  expect(await sweepAt(database, NOW)).toMatchObject(nothingWrong);
});

test("a sweep that comes before the background counts the new segments as time, not as drift", async () => {
  await addVisits();
  expect(await setSegmentDays(database.pool, salon, { new: 1, active: 2, at_risk: 3 }, NOW)).toBe(10);
  const report = await sweepAt(database, NOW, "full");
  expect(report).toMatchObject({ ...nothingWrong, time_decayed: 10 });
});

test("no row keeps the old days that was computed while they changed", async () => {
  await addVisits();
  let changing: Promise<number> | undefined;
  await inTransaction(database.pool, async (tx) => {
    await lockCustomers(tx, salon, ["c20"]);
    changing = setSegmentDays(database.pool, salon, { new: 5, active: 6, at_risk: 7 }, NOW);
    await tx.query(
      "update customer_analytics set customer_segment = 'LOST' where square_customer_id = 'c20'",
    );
    await recompute(tx, salon, ["c20"], NOW);
  });
  expect(await changing).toBe(DAYS_AGO.length);
  expect((await get(customer("c20"))).customer.customer_segment).toBe("LOST");
});

test.each([
  [{}, "segment_days"],
  [days({}), "segment_days.new"],
  [days({ new: 0, active: 42, at_risk: 90 }), "segment_days.new"],
  [days({ new: 3_651, active: 42, at_risk: 90 }), "segment_days.new"],
  [days({ new: 30.5, active: 42, at_risk: 90 }), "segment_days.new"],
  [days({ new: "30", active: 42, at_risk: 90 }), "segment_days.new"],
  [days({ new: 30, active: 0, at_risk: 90 }), "segment_days.active"],
  [days({ new: 30, active: 90, at_risk: 90 }), "segment_days.active"],
  [days({ new: 30, active: 42, at_risk: 3_651 }), "segment_days.at_risk"],
  [days({ new: 30, active: 42, at_risk: 90, lost: 1 }), "lost"],
  [{ ...days({ new: 30, active: 42, at_risk: 90 }), name: "x" }, "name"],
])("%j is refused, names %s, and changes nothing", async (payload, parameter) => {
  const answer = await patch(payload);
  expect([answer.statusCode, answer.json()]).toMatchObject([400, { code: "invalid_request", parameter }]);
  expect((await get("/api/organizations")).organizations[0].segment_days.new).toBe(30);
});

test("an organization that does not exist answers 404", async () => {
  const answer = await patch(days({ new: 1, active: 2, at_risk: 3 }), crypto.randomUUID());
  expect([answer.statusCode, answer.json().code]).toEqual([404, "organization_not_found"]);
});
