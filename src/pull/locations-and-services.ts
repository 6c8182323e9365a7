import { serviceVariationsOf } from "../../handlers/catalog.js";
import { locationOf } from "../../handlers/location.js";
import { factsOfTeamMember } from "../../handlers/team-member.js";
import { CUSTOMERS_AT_ONCE, recomputeLocked } from "../analytics/refresh.js";
import { inBackgroundTransaction } from "../database/lock-wait.js";
import {
  customersAtLocations,
  writeLocations,
  writeServiceVariations,
} from "../facts/locations-and-services.js";
import type { Location } from "../facts/types.js";
import { isTimeZone } from "../organizations/time-zone.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { unmark } from "./marked-objects.js";
import { countPulled, readEach, storeObjects } from "./store-objects.js";
import { moveWatermark, readFrom, readList, SQUARE_EPOCH } from "./watermark.js";

/** Pulls all locations each time. They are few, and Square has no list of changes. */
export async function pullLocations(task: PullTask): Promise<readonly JsonObject[]> {
  const locations = await task.api.locations();
  await storeLocations(task, locations);
  await unmark(task, "location");
  return locations;
}

/** Stores all locations. Customers of a location whose time zone changed are recomputed. */
export async function storeLocations(task: PullTask, objects: readonly JsonObject[]): Promise<void> {
  const { pool, organizationId, clock, signal } = task;
  const readable = readEach(task, "locations", objects, (object) => [locationOf(object)]);
  const known: Location[] = [];
  for (const { values } of readable) {
    for (const location of values) known.push(await withKnownTimeZone(task, location));
  }
  const { applied, movedIds } = await inBackgroundTransaction(pool, (tx) =>
    writeLocations(tx, organizationId, known),
  );
  countPulled(task, "locations", { read: objects.length, stored: readable.length, applied });
  if (!task.recompute) return;
  for (let after = ""; movedIds.length > 0 && !signal.aborted; ) {
    const customerIds = await customersAtLocations(pool, organizationId, movedIds, after, CUSTOMERS_AT_ONCE);
    if (customerIds.length === 0) return;
    await recomputeLocked(pool, organizationId, customerIds, clock());
    after = customerIds.at(-1) ?? "";
  }
}

/** Removes an unknown time zone. The location then uses its organization's. */
async function withKnownTimeZone(
  { pool, log, organizationId }: PullTask,
  location: Location,
): Promise<Location> {
  const { square_location_id, time_zone } = location;
  if (time_zone === null || (await isTimeZone(pool, time_zone))) return location;
  log.warn(
    { organization_id: organizationId, location_id: square_location_id, time_zone },
    "unknown time zone of a location: the organization's is used",
  );
  return { ...location, time_zone: null };
}

/** Pulls all team members each time. They are few, and Square has no list of changes. */
export async function pullTeam(task: PullTask): Promise<void> {
  await readList(
    (cursor) => task.api.teamMembers({ cursor }),
    (objects) => storeObjects(task, "team_members", objects, factsOfTeamMember),
  );
}

/** Pulls catalog items and variations that changed since the last pull. */
export async function pullCatalog(task: PullTask): Promise<void> {
  const from = await readFrom(task, "catalog");
  const changedAfter = from > SQUARE_EPOCH ? from : undefined;
  const failed = await readList(
    (cursor) => task.api.catalog({ changedAfter, cursor }),
    (objects) => storeCatalog(task, objects),
  );
  if (failed > 0) return;
  await moveWatermark(task, "catalog");
  await unmark(task, "catalog");
}

/** @returns the number of objects that could not be stored */
export async function storeCatalog(task: PullTask, objects: readonly JsonObject[]): Promise<number> {
  const readable = readEach(task, "catalog", objects, serviceVariationsOf);
  const variations = readable.flatMap(({ values }) => values);
  const applied = await inBackgroundTransaction(task.pool, (tx) =>
    writeServiceVariations(tx, task.organizationId, variations),
  );
  countPulled(task, "catalog", { read: variations.length, stored: variations.length, applied });
  return objects.length - readable.length;
}
