import { query } from "../database/query.js";
import { RegularsError } from "../errors.js";
import { QueueFull } from "../inbox/group-commit.js";
import { SquareApiError } from "../square/api/api-error.js";
import type { JsonObject } from "../square/types.js";
import { pullBookings } from "./bookings.js";
import { type Connection, connect, isConnected } from "./connect.js";
import type { PullContext } from "./context.js";
import { hasNoEvents, pullEvents } from "./events.js";
import { pullCatalog, pullTeam, storeLocations } from "./locations-and-services.js";
import { isMarked, pullMarkedOrders, unmark } from "./marked-objects.js";
import { pullPayments, pullRefunds } from "./payments-and-refunds.js";
import { pullCustomers, pullKnownProfiles } from "./profiles.js";
import type { PullReport } from "./report.js";
import { noteError, type PullTask } from "./task.js";
import { SQUARE_EPOCH } from "./watermark.js";

/**
 * Asks Square what an organization's webhooks missed, and stores it: what changed since the last watermarks, or
 * `everything` there is. What Square refuses or garbles is noted in `errors` and stays as it was, its watermark too; the
 * other parts go on. An organization without a token is left alone.
 *
 * @throws only when the database cannot be used
 */
export async function pullOrganization(
  context: PullContext,
  organizationId: string,
  everything: boolean,
  into: PullReport,
): Promise<void> {
  await asTask(context, organizationId, everything, into, pullEverything);
}

/**
 * Fetches what thin events have marked, without waiting for the next sweep.
 *
 * @throws only when the database cannot be used
 */
export async function fetchMarked(
  context: PullContext,
  organizationId: string,
  into: PullReport,
): Promise<void> {
  const { pool } = context.database;
  const marked = (type: "location" | "catalog" | "order") =>
    isMarked(pool, organizationId, type, context.clock());
  const [location, catalog, order] = [
    await marked("location"),
    await marked("catalog"),
    await marked("order"),
  ];
  if (!location && !catalog && !order) return;
  await asTask(context, organizationId, false, into, async (task) => {
    if (location) await step(task, "locations", async () => void (await pullLocations(task)));
    if (catalog) await step(task, "catalog", () => pullMarkedCatalog(task));
    if (order) await step(task, "orders", () => pullMarkedOrders(task));
  });
}

async function asTask(
  context: PullContext,
  organizationId: string,
  everything: boolean,
  { pulled, errors }: PullReport,
  work: (task: PullTask, connection: Connection) => Promise<void>,
): Promise<void> {
  if (!(await isConnected(context, organizationId))) return;
  const startedAt = context.clock();
  try {
    const connection = await connect(context, organizationId);
    const { api } = connection;
    const task = { context, api, organizationId, startedAt, pulled, errors, everything, recompute: true };
    await work(task, connection);
  } catch (error) {
    if (!isOurs(error)) throw error;
    if (error.code === "square_interrupted") return;
    const { code, message } = error;
    errors.push({ organization_id: organizationId, step: "connect", code, message });
  }
}

/** Whether an error is about this organization and Square; the database's are not. */
function isOurs(error: unknown): error is RegularsError {
  const codes = ["not_connected", "no_encryption_key", "token_unreadable", "wrong_merchant"];
  return error instanceof SquareApiError || (error instanceof RegularsError && codes.includes(error.code));
}

async function pullEverything(task: PullTask, { merchant }: Connection): Promise<void> {
  let locations: readonly JsonObject[] = [];
  const steps: [name: string, work: () => Promise<void>][] = [
    [
      "locations",
      async () => {
        locations = await pullLocations(task);
      },
    ],
    ["team", () => pullTeam(task)],
    ["catalog", () => pullMarkedCatalog(task)],
    ["events", () => pullEvents(task)],
    ["customers", () => pullCustomers(task)],
    ["bookings", () => pullBookings(task, beginOf(merchant, locations))],
    ["refunds", () => pullRefunds(task)],
  ];
  for (const [name, work] of steps) await step(task, name, work);
  for (const locationId of await locationIds(task, locations)) {
    await step(task, "payments", () => pullPayments(task, locationId));
  }
  await step(task, "orders", () => pullMarkedOrders(task));
  await step(task, "profiles", () => pullKnownProfiles(task));
}

/**
 * Runs one part of a pull. What goes wrong with Square in it is noted and does not stop the others, except that nothing can be
 * done with a token that Square does not take any more.
 */
async function step(task: PullTask, name: string, work: () => Promise<void>): Promise<void> {
  if (task.context.signal?.aborted) return;
  try {
    await work();
  } catch (error) {
    // Webhooks keep the inbox busy: the events are asked for again by the next pull, and the lists need no inbox.
    if (error instanceof QueueFull) return noteError(task, name, error.code, error.message);
    if (!(error instanceof SquareApiError)) throw error;
    if (error.code === "square_interrupted" || (name === "events" && hasNoEvents(error))) return;
    if (error.code === "square_unauthorized") throw error;
    noteError(task, name, error.code, error.message);
  }
}

async function pullLocations(task: PullTask): Promise<readonly JsonObject[]> {
  const locations = await task.api.locations();
  await storeLocations(task, locations);
  await unmark(task, "location");
  return locations;
}

async function pullMarkedCatalog(task: PullTask): Promise<void> {
  const before = task.errors.length;
  await pullCatalog(task);
  if (task.errors.length === before) await unmark(task, "catalog");
}

const YEAR_MS = 366 * 24 * 60 * 60_000;

/** Nothing of a merchant is older than the merchant, but for a calendar that was brought along. */
export function beginOf(merchant: JsonObject, locations: readonly JsonObject[]): Date {
  const times = [merchant, ...locations].flatMap(({ created_at }) => {
    const time = Date.parse(String(created_at));
    return Number.isNaN(time) ? [] : [time];
  });
  return times.length > 0 ? new Date(Math.min(...times) - YEAR_MS) : SQUARE_EPOCH;
}

// Primary key of locations.
const knownLocationsStatement = {
  name: "known_locations",
  text: "select square_location_id from locations where organization_id = $1 order by square_location_id",
};

/** Those that Square listed; the known ones when it did not. */
async function locationIds(task: PullTask, listed: readonly JsonObject[]): Promise<string[]> {
  const ids = listed.flatMap(({ id }) => (typeof id === "string" ? [id] : []));
  if (ids.length > 0) return ids;
  const { rows } = await query<{ square_location_id: string }>(
    task.context.database.pool,
    knownLocationsStatement,
    [task.organizationId],
  );
  return rows.map((row) => row.square_location_id);
}
