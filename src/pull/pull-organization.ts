import { query } from "../database/query.js";
import type { JsonObject } from "../square/types.js";
import { pullBookings } from "./bookings.js";
import type { PullContext, PullOptions, PullTask } from "./connect.js";
import { pullEvents } from "./events.js";
import { pullCatalog, pullLocations, pullTeam } from "./locations-and-services.js";
import { pullMarkedOrders } from "./marked-objects.js";
import { pullPayments, pullRefunds } from "./payments-and-refunds.js";
import { pullCustomers, pullKnownProfiles } from "./profiles.js";
import type { PullReport } from "./report.js";
import { type PullStep, runSteps } from "./run-steps.js";
import { SQUARE_EPOCH } from "./watermark.js";

/**
 * Finds lost webhooks again: reads from Square what changed since the watermarks, or `everything`, and stores it. A
 * step that fails is noted in the report. Its stored objects and its watermark stay, and the next step goes on.
 *
 * @returns whether the pull came to its end, with or without errors
 * @throws only when the database is unavailable
 */
export function pullOrganization(
  context: PullContext,
  organizationId: string,
  options: PullOptions & { readonly report: PullReport },
): Promise<boolean> {
  return runSteps(context, organizationId, options, pullSteps);
}

async function* pullSteps(task: PullTask): AsyncGenerator<PullStep> {
  let locations: readonly JsonObject[] = [];
  yield [
    "locations",
    async () => {
      locations = await pullLocations(task);
    },
  ];
  yield ["team", () => pullTeam(task)];
  yield ["catalog", () => pullCatalog(task)];
  yield ["events", () => pullEvents(task)];
  yield ["customers", () => pullCustomers(task)];
  yield ["bookings", () => pullBookings(task, beginOf(task.merchant, locations))];
  yield ["refunds", () => pullRefunds(task)];
  for (const locationId of await locationIds(task, locations)) {
    yield ["payments", () => pullPayments(task, locationId)];
  }
  yield ["orders", () => pullMarkedOrders(task)];
  yield ["profiles", () => pullKnownProfiles(task)];
}

// Index: primary key of pending_fetches. It returns at most three rows.
const markedStatement = {
  name: "marked_types",
  text: `
    select distinct f.object_type
    from organizations o join pending_fetches f on f.organization_id = o.id
    where o.id = $1 and f.organization_id = $1 and o.status = 'active' and o.access_token_ciphertext is not null and f.requested_at <= $2`,
};

/**
 * Fetches the objects that thin events marked, without waiting for the next sweep. Does nothing without a token.
 *
 * @throws only when the database is unavailable
 */
export async function fetchMarked(
  context: PullContext,
  organizationId: string,
  options: PullOptions & { readonly report: PullReport },
): Promise<void> {
  const { rows } = await query(context.database.pool, markedStatement, [organizationId, context.clock()]);
  const marked = new Set(rows.map(({ object_type }) => object_type));
  if (marked.size === 0) return;
  await runSteps(context, organizationId, options, async function* (task) {
    if (marked.has("location")) yield ["locations", async () => void (await pullLocations(task))];
    if (marked.has("catalog")) yield ["catalog", () => pullCatalog(task)];
    if (marked.has("order")) yield ["orders", () => pullMarkedOrders(task)];
  });
}

const YEAR_MS = 366 * 24 * 60 * 60_000;

/**
 * An instant before a merchant's first object: a year before the merchant or its first location was created. The
 * year is for a calendar that was imported into Square.
 */
export function beginOf(merchant: JsonObject, locations: readonly JsonObject[]): Date {
  const times = [merchant, ...locations].flatMap(({ created_at }) => {
    const time = Date.parse(String(created_at));
    return Number.isNaN(time) ? [] : [time];
  });
  return times.length > 0 ? new Date(Math.min(...times) - YEAR_MS) : SQUARE_EPOCH;
}

// Index: primary key of locations.
const knownLocationsStatement = {
  name: "known_locations",
  text: "select square_location_id from locations where organization_id = $1 order by square_location_id",
};

/** The ids of the listed locations. If the list failed, the ids of the stored locations. */
async function locationIds(task: PullTask, listed: readonly JsonObject[]): Promise<string[]> {
  const ids = listed.flatMap(({ id }) => (typeof id === "string" ? [id] : []));
  if (ids.length > 0) return ids;
  const { rows } = await query<{ square_location_id: string }>(task.pool, knownLocationsStatement, [
    task.organizationId,
  ]);
  return rows.map((row) => row.square_location_id);
}
