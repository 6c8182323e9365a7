import { factsOfBooking } from "../../handlers/booking.js";
import { factsOfProfile } from "../../handlers/customer.js";
import { factsOfPayment } from "../../handlers/payment.js";
import { factsOfRefund } from "../../handlers/refund.js";
import { factsOfTeamMember } from "../../handlers/team-member.js";
import { countAnalyticsRows, refreshOrganization } from "../analytics/refresh.js";
import { clearPositions, readPosition, savePosition } from "../database/positions.js";
import type { ReportedError } from "../errors.js";
import type { Page } from "../square/api/api.js";
import { SquareApiError } from "../square/api/api-error.js";
import { pages } from "../square/api/pages.js";
import type { JsonObject } from "../square/types.js";
import { bookingWindows, LOOK_FAR_AHEAD_DAYS } from "./bookings.js";
import { connect } from "./connect.js";
import type { PullContext } from "./context.js";
import { storeCatalog, storeLocations } from "./locations-and-services.js";
import { pullKnownProfiles } from "./profiles.js";
import { beginOf } from "./pull-organization.js";
import { nothingPulled, type Pulled } from "./report.js";
import { type PullTask, type Stored, storeObjects } from "./task.js";
import { moveWatermark } from "./watermark.js";

const DAY_MS = 24 * 60 * 60_000;

/** Square forgets cursors, so what a kill can cost is one window. */
const MONEY_WINDOW_MS = 90 * DAY_MS;

export interface BackfillOptions {
  /** Leaves out bookings that start before, and payments and refunds that changed before. Since ever by default. */
  readonly since?: Date;
  /** Begins anew even if an earlier run was cut off. */
  readonly restart?: boolean;
}

export interface BackfillProgress {
  readonly phase: "reading" | "recomputing" | "checking profiles";
  /** Windows read, or customers recomputed. */
  readonly done: number;
  readonly total: number;
  /** Objects read by this run so far. */
  readonly objects: number;
}

export interface BackfillResult {
  readonly pulled: Pulled;
  /** Objects that could not be stored. */
  readonly errors: readonly ReportedError[];
  readonly recomputed: { readonly checked: number; readonly written: number; readonly deleted: number };
  /** Whether this run went on where an earlier one was cut off. */
  readonly resumed: boolean;
}

/** A list that is read page by page, and remembered by its name. */
interface Window {
  readonly name: string;
  list(cursor?: string): Promise<Page>;
  store(objects: readonly JsonObject[]): Promise<Stored>;
}

interface Run {
  /** RFC 3339; the windows follow from these, so a run that goes on has the same ones. */
  readonly startedAt: string;
  readonly since: string | null;
  /** Something that was read could not be stored: no watermark moves past it, in whichever run that was. */
  readonly failed?: boolean;
}

/**
 * Reads everything a merchant has at Square, page by page, and then recomputes everybody once. Each page is stored before its
 * successor's cursor is, so a run that was cut off goes on there. A second run over the same things changes nothing.
 *
 * @throws {SquareApiError} what is read stays; the same call goes on from there
 * @throws {RegularsError} `not_connected` and the like (src/pull/connect.ts)
 */
export async function* backfill(
  context: PullContext,
  organizationId: string,
  options: BackfillOptions,
): AsyncGenerator<BackfillProgress, BackfillResult> {
  const { database, clock } = context;
  const { api, merchant } = await connect(context, organizationId);
  const { run, resumed } = await openRun(context, organizationId, options);
  const startedAt = new Date(run.startedAt);
  const task: PullTask = {
    context,
    api,
    organizationId,
    startedAt,
    pulled: nothingPulled(),
    errors: run.failed ? [failedEarlier(organizationId)] : [],
    everything: true,
    recompute: false,
  };
  const objects = () => task.pulled.applied + task.pulled.skipped;

  const locations = await api.locations();
  await storeLocations(task, locations);
  const since = run.since === null ? beginOf(merchant, locations) : new Date(run.since);
  const windows = [...windowsOf(task, locations, since)];
  for (const [done, window] of windows.entries()) {
    yield { phase: "reading", done, total: windows.length, objects: objects() };
    for await (const _ of readWindow(task, run, window)) {
      yield { phase: "reading", done, total: windows.length, objects: objects() };
    }
  }

  const total = await countAnalyticsRows(database.pool, organizationId);
  let recomputed = { checked: 0, written: 0, deleted: 0 };
  const place = await readPosition<{ after: string }>(database.pool, organizationId, "backfill/recompute");
  for await (const step of refreshOrganization(database.pool, organizationId, "full", clock, place?.after)) {
    recomputed = step;
    await savePosition(database.pool, organizationId, "backfill/recompute", { after: step.after }, clock());
    yield { phase: "recomputing", done: step.checked, total, objects: objects() };
  }

  yield { phase: "checking profiles", done: 0, total: 1, objects: objects() };
  await pullKnownProfiles({ ...task, recompute: true });

  const sinceEver = run.since === null && task.errors.length === 0;
  const watermarks = ["catalog", "customers", "bookings", "refunds"];
  for (const { id } of locations) watermarks.push(`payments/${id}`);
  if (sinceEver) for (const what of watermarks) await moveWatermark(task, what);
  await clearPositions(database.pool, organizationId, "backfill");
  const { checked, written, deleted } = recomputed;
  return { pulled: task.pulled, errors: task.errors, recomputed: { checked, written, deleted }, resumed };
}

/** Goes on with a run that was cut off, if it was asked for the same; else begins one. */
async function openRun(
  { database, clock }: PullContext,
  organizationId: string,
  { since, restart }: BackfillOptions,
): Promise<{ run: Run; resumed: boolean }> {
  const wanted = since?.toISOString() ?? null;
  const cutOff = await readPosition<Run>(database.pool, organizationId, "backfill");
  if (!restart && cutOff?.startedAt !== undefined && cutOff.since === wanted) {
    const { startedAt, failed } = cutOff;
    return { run: { startedAt, since: wanted, ...(failed && { failed }) }, resumed: true };
  }
  await clearPositions(database.pool, organizationId, "backfill");
  const run = { startedAt: clock().toISOString(), since: wanted };
  await savePosition<Run>(database.pool, organizationId, "backfill", run, clock());
  return { run, resumed: false };
}

function failedEarlier(organizationId: string): ReportedError {
  const message = "What an earlier run, which was cut off, could not store. Begin anew with --restart.";
  return { organization_id: organizationId, step: "backfill", code: "not_stored", message };
}

function* windowsOf(
  task: PullTask,
  locations: readonly JsonObject[],
  since: Date,
): Generator<Window, void, undefined> {
  const { api, startedAt } = task;
  const stored = (kind: Parameters<typeof storeObjects>[1], read: Parameters<typeof storeObjects>[3]) => ({
    store: (objects: readonly JsonObject[]) => storeObjects(task, kind, objects, read),
  });
  const at = (cursor?: string) => (cursor === undefined ? {} : { cursor });

  yield { name: "team", list: (c) => api.teamMembers(at(c)), ...stored("team_members", factsOfTeamMember) };
  yield {
    name: "catalog",
    list: (cursor) => api.catalog(at(cursor)),
    store: (objects) => storeCatalog(task, objects),
  };
  yield { name: "customers", list: (c) => api.customers(at(c)), ...stored("customers", factsOfProfile) };
  for (const window of bookingWindows(since, new Date(startedAt.getTime() + LOOK_FAR_AHEAD_DAYS * DAY_MS))) {
    yield {
      name: `bookings/${window.startAtMin.toISOString()}`,
      list: (cursor) => api.bookings({ ...window, ...at(cursor) }),
      ...stored("bookings", factsOfBooking),
    };
  }
  for (const window of moneyWindows(since, startedAt)) {
    const span = `${window.updatedFrom.toISOString()}/${window.updatedTo.toISOString()}`;
    for (const { id } of locations) {
      const locationId = String(id);
      yield {
        name: `payments/${locationId}/${span}`,
        list: (cursor) => api.payments({ ...window, ...at(cursor), locationId }),
        ...stored("payments", factsOfPayment),
      };
    }
    yield {
      name: `refunds/${span}`,
      list: (cursor) => api.refunds({ ...window, ...at(cursor) }),
      ...stored("refunds", factsOfRefund),
    };
  }
}

function* moneyWindows(from: Date, to: Date): Generator<{ updatedFrom: Date; updatedTo: Date }> {
  for (let begin = from.getTime(); begin < to.getTime(); begin += MONEY_WINDOW_MS) {
    const end = Math.min(begin + MONEY_WINDOW_MS, to.getTime());
    yield { updatedFrom: new Date(begin), updatedTo: new Date(end) };
  }
}

interface WindowPosition {
  readonly cursor: string | null;
  readonly done: boolean;
}

/** Reads a window from where it was left; yields after each page. */
async function* readWindow(task: PullTask, run: Run, window: Window): AsyncGenerator<void> {
  const { context, organizationId } = task;
  const { pool } = context.database;
  const name = `backfill/${window.name}`;
  const place = await readPosition<WindowPosition>(pool, organizationId, name);
  if (place?.done) return;
  let from = place?.cursor ?? undefined;
  for (;;) {
    try {
      for await (const { objects, cursor } of pages(window.list, from)) {
        const { failed } = await window.store(objects);
        // Before the cursor, which leads past them.
        if (failed > 0) {
          await savePosition<Run>(
            pool,
            organizationId,
            "backfill",
            { ...run, failed: true },
            context.clock(),
          );
        }
        const position = { cursor, done: cursor === null };
        await savePosition<WindowPosition>(pool, organizationId, name, position, context.clock());
        yield;
        context.signal?.throwIfAborted();
      }
      return;
    } catch (error) {
      // Square has forgotten the cursor of an earlier run: the window is read from its begin, which changes nothing stored.
      const forgotten = error instanceof SquareApiError && error.code === "square_invalid_cursor";
      if (!forgotten || from === undefined) throw error;
      from = undefined;
    }
  }
}
