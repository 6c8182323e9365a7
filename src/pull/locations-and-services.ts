import { serviceVariationsOf } from "../../handlers/catalog.js";
import { locationOf } from "../../handlers/location.js";
import { factsOfTeamMember } from "../../handlers/team-member.js";
import { recomputeLocked } from "../analytics/refresh.js";
import { inTransaction } from "../database/transaction.js";
import {
  customersAtLocations,
  writeLocations,
  writeServiceVariations,
} from "../facts/locations-and-services.js";
import type { Location } from "../facts/types.js";
import { isTimeZone } from "../organizations/time-zone.js";
import { pages } from "../square/api/pages.js";
import { InvalidPayload } from "../square/schemas.js";
import type { JsonObject } from "../square/types.js";
import { idOf, noteError, type PullTask, type Stored, storeObjects } from "./task.js";
import { moveWatermark, readFrom, SQUARE_EPOCH } from "./watermark.js";

const CUSTOMERS = 250;

/** All locations, as they are now. Customers of one whose time zone has changed are recomputed. */
export async function storeLocations(task: PullTask, objects: readonly JsonObject[]): Promise<void> {
  const { context, organizationId, pulled } = task;
  const { pool } = context.database;
  const { read, failed } = readAll(task, "locations", objects, (object) => [locationOf(object)]);
  const known: Location[] = [];
  for (const location of read) known.push(await withKnownTimeZone(task, location));
  const { applied, movedIds } = await inTransaction(pool, (tx) => writeLocations(tx, organizationId, known));
  pulled.locations += objects.length;
  pulled.applied += applied;
  pulled.skipped += objects.length - failed - applied;
  if (!task.recompute) return;
  for (let after = ""; movedIds.length > 0 && !context.signal?.aborted; ) {
    const customerIds = await customersAtLocations(pool, organizationId, movedIds, after, CUSTOMERS);
    if (customerIds.length === 0) return;
    await recomputeLocked(pool, organizationId, customerIds, context.clock());
    after = customerIds.at(-1) ?? "";
  }
}

/** A time zone that is none is left out: the location goes by its organization's. */
async function withKnownTimeZone(
  { context, organizationId }: PullTask,
  location: Location,
): Promise<Location> {
  const { square_location_id, time_zone } = location;
  if (time_zone === null || (await isTimeZone(context.database.pool, time_zone))) return location;
  context.log.warn(
    { organization_id: organizationId, location_id: square_location_id, time_zone },
    "the location's time zone is not known, and the organization's is taken",
  );
  return { ...location, time_zone: null };
}

/** Everybody, each time: Square tells no changes, and a salon's team is small. */
export async function pullTeam(task: PullTask): Promise<void> {
  const all = pages((cursor) => task.api.teamMembers(cursor === undefined ? {} : { cursor }));
  for await (const { objects } of all) await storeObjects(task, "team_members", objects, factsOfTeamMember);
}

/** Items and variations that changed since the last pull. */
export async function pullCatalog(task: PullTask): Promise<void> {
  const from = await readFrom(task, "catalog");
  const filter = from > SQUARE_EPOCH ? { changedAfter: from } : {};
  let failed = 0;
  const all = pages((cursor) => task.api.catalog({ ...filter, ...(cursor !== undefined && { cursor }) }));
  for await (const { objects } of all) failed += (await storeCatalog(task, objects)).failed;
  if (failed === 0) await moveWatermark(task, "catalog");
}

export async function storeCatalog(task: PullTask, objects: readonly JsonObject[]): Promise<Stored> {
  const { context, organizationId, pulled } = task;
  const { read, failed } = readAll(task, "catalog", objects, serviceVariationsOf);
  const applied = await inTransaction(context.database.pool, (tx) =>
    writeServiceVariations(tx, organizationId, read),
  );
  pulled.catalog += read.length;
  pulled.applied += applied;
  pulled.skipped += read.length - applied;
  return { applied, failed };
}

/** Reads what can be read, and notes what cannot. */
function readAll<Value>(
  task: PullTask,
  step: string,
  objects: readonly JsonObject[],
  parse: (object: JsonObject) => readonly Value[],
): { read: Value[]; failed: number } {
  let failed = 0;
  const read = objects.flatMap((object) => {
    try {
      return parse(object);
    } catch (error) {
      if (!(error instanceof InvalidPayload)) throw error;
      failed += 1;
      noteError(task, step, "not_stored", `${idOf(object)}: ${error.message}`);
      return [];
    }
  });
  return { read, failed };
}
