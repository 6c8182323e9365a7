import { describe, expect, test } from "vitest";
import { addOrganization } from "../../src/organizations/organizations.js";
import { syncOrganizationProfile } from "../../src/pull/organization-profile.js";
import { openTestDatabase } from "../support/database.js";
import { connectSalon, openSquareWorld } from "../support/square.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();

describe("an organization's time zone is a name of the IANA list", () => {
  test.each([
    "America/New_York",
    "UTC",
    "US/Pacific",
    "Asia/Kolkata",
    "Asia/Calcutta",
    "Japan",
    "America/Argentina/Ushuaia",
  ])("%s is taken", async (timeZone) => {
    const { id } = await addOrganization(database, { merchantId: "MLZONE", timeZone }, new Date());
    const { rows } = await database.pool.query("select time_zone from organizations where id = $1", [id]);
    expect(rows).toEqual([{ time_zone: timeZone }]);
  });

  test.each([
    "UTC+5",
    "utc-5",
    "+05:00",
    "EST5EDT",
    "EST",
    "CET",
    "PST8PDT",
    "Mars/Olympus",
    "posix/America/New_York",
    "Foo+5",
    "",
  ])("%s is refused", async (timeZone) => {
    const added = addOrganization(database, { merchantId: "MLZONE", timeZone }, new Date());
    await expect(added).rejects.toMatchObject({ code: "invalid_time_zone" });
  });
});

test("a location whose time zone Square tells as an offset goes by its organization's, and is named in the log", async () => {
  const world = await openSquareWorld(database, { seed: "zones" });
  const id = await connectSalon(database, world);
  const { salon } = world;
  for (const location of salon.locations) {
    salon.truth.locations.set(location.id, { ...location, timezone: "UTC+5" });
  }
  const told: object[] = [];
  const log = { ...world.context.log, warn: (fields: object) => told.push(fields) };
  await syncOrganizationProfile({ ...world.context, log }, id);
  const { organizations = [], locations = [] } = await tablesOf(database, id);
  expect(organizations[0]?.time_zone).toBe("America/Los_Angeles");
  expect(locations.map(({ time_zone }) => time_zone)).toEqual(salon.locations.map(() => null));
  expect(told).toEqual(
    expect.arrayContaining(
      salon.locations.map((location) => ({
        organization_id: id,
        location_id: location.id,
        time_zone: "UTC+5",
      })),
    ),
  );
});
