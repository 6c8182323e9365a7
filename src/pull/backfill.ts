import { factsOfBooking } from "../../handlers/booking.js";
import { factsOfProfile } from "../../handlers/customer.js";
import { factsOfPayment } from "../../handlers/payment.js";
import { factsOfRefund } from "../../handlers/refund.js";
import { factsOfTeamMember } from "../../handlers/team-member.js";
import { countProfiles, resumeRefresh } from "../analytics/refresh.js";
import { clearPositions, readPosition, savePosition } from "../database/positions.js";
import { LockedElsewhere, noteError, noteFailure, type ReportedError } from "../errors.js";
import type { Fact } from "../facts/types.js";
import type { Page } from "../square/api/api.js";
import { SquareApiError } from "../square/api/api-error.js";
import { pages } from "../square/api/pages.js";
import type { JsonObject } from "../square/types.js";
import { bookingWindows, LOOK_FAR_AHEAD_DAYS } from "./bookings.js";
import { connect, type PullContext, type PullTask } from "./connect.js";
import { storeCatalog, storeLocations } from "./locations-and-services.js";
import { pullKnownProfiles } from "./profiles.js";
import { beginOf } from "./pull-organization.js";
import type { Pulled } from "./report.js";
import { type PulledKind, storeObjects } from "./store-objects.js";
import { moveWatermark } from "./watermark.js";

const DAY_MS = 24 * 60 * 60_000;

/** Square forgets cursors after a while. Then an interrupted run reads at most one window again. */
const MONEY_WINDOW_MS = 90 * DAY_MS;

/** The run ends after this many failed lists in a row: Square is out of reach, or the token lacks rights. */
const GIVE_UP_AFTER = 3;

export interface BackfillOptions {
  /** Omits bookings that start earlier, and payments and refunds that changed earlier. The default is everything. */
  readonly since?: Date;
  /** Starts over even if an earlier run was interrupted. */
  readonly restart?: boolean;
}

export interface BackfillProgress {
  readonly phase: "reading" | "recomputing" | "checking profiles";
  /** Windows read, or customers recomputed. */
  readonly done: number;
  readonly total: number;
  /** Objects that this run has read so far. */
  readonly objects: number;
}

export interface BackfillResult {
  readonly pulled: Pulled;
  /** Failed lists, and objects that could not be stored. */
  readonly errors: readonly ReportedError[];
  /** The lists that were not read to their end. The next run reads only these. */
  readonly unread: readonly string[];
  readonly recomputed: { readonly checked: number; readonly written: number; readonly deleted: number };
  /** Whether this run continued an interrupted one. */
  readonly resumed: boolean;
}

/** A list that is read page by page. Its progress is stored under its name. */
interface Window {
  readonly name: string;
  fetchPage(cursor?: string): Promise<Page>;
  /** @returns the number of objects that could not be stored */
  store(objects: readonly JsonObject[]): Promise<number>;
}

interface Run {
  /** RFC 3339. The windows are computed from this and `since`, so a continued run has the same windows. */
  readonly startedAt: string;
  readonly since: string | null;
  /** An object could not be stored, in this run or in one that it continues. Then no watermark moves. */
  readonly failed?: boolean;
}

/**
 * Reads everything a merchant has at Square, page by page, and then recomputes all customers once. The next page's
 * cursor is saved after each stored page, so the next run continues an interrupted one. A list that fails, or whose
 * rows are locked elsewhere, is left for the next run. The other lists are read. A second run over the same objects
 * changes nothing.
 *
 * @throws {SquareApiError} Square refuses the token, or three lists in a row fail. Stored objects stay, and the
 *   next run continues.
 * @throws {RegularsError} `not_connected` and the like (src/pull/connect.ts)
 */
export async function* backfill(
  context: PullContext,
  organizationId: string,
  options: BackfillOptions,
): AsyncGenerator<BackfillProgress, BackfillResult> {
  const connected = await connect(context, organizationId, { everything: true, recompute: false });
  const { run, resumed } = await openRun(connected, options);
  const task = { ...connected, startedAt: new Date(run.startedAt) };
  const { pulled, errors } = task.report;
  if (run.failed) noteError(errors, failedEarlier(organizationId));

  const locations = await task.api.locations();
  await storeLocations(task, locations);
  const since = run.since === null ? beginOf(task.merchant, locations) : new Date(run.since);
  const unread = yield* readWindows(task, run, [...windowsOf(task, locations, since)]);
  const recomputed = yield* recomputeEverybody(task);
  yield { phase: "checking profiles", done: 0, total: 1, objects: objectsOf(task) };
  await pullKnownProfiles({ ...task, recompute: true }).catch((error: unknown) =>
    leaveForLater(task, "profiles", unread, error),
  );

  // With unread lists only the recompute starts over: the next run stores more objects.
  const done = unread.length === 0 ? "backfill" : RECOMPUTE;
  await clearPositions(task.pool, organizationId, done);
  if (run.since === null && errors.length === 0) await moveWatermarks(task, locations);
  return { pulled, errors, unread, recomputed, resumed };
}

function objectsOf({ report: { pulled } }: PullTask): number {
  return pulled.applied + pulled.skipped;
}

/** Continues an interrupted run with the same `since`. Otherwise begins a new one. */
async function openRun(
  task: PullTask,
  { since, restart }: BackfillOptions,
): Promise<{ run: Run; resumed: boolean }> {
  const { pool, organizationId, clock } = task;
  const wanted = since?.toISOString() ?? null;
  const cutOff = await readPosition<Run>(pool, organizationId, "backfill");
  if (!restart && cutOff?.startedAt !== undefined && cutOff.since === wanted) {
    const { startedAt, failed } = cutOff;
    return { run: { startedAt, since: wanted, ...(failed && { failed }) }, resumed: true };
  }
  await clearPositions(pool, organizationId, "backfill");
  const run = { startedAt: clock().toISOString(), since: wanted };
  await savePosition<Run>(pool, organizationId, "backfill", run, clock());
  return { run, resumed: false };
}

function failedEarlier(organizationId: string): ReportedError {
  const message = "An interrupted run could not store some objects. Run again with --restart.";
  return { organization_id: organizationId, step: "backfill", code: "not_stored", message };
}

const RECOMPUTE = "backfill/recompute";

async function* recomputeEverybody(
  task: PullTask,
): AsyncGenerator<BackfillProgress, BackfillResult["recomputed"]> {
  const { pool, organizationId, clock } = task;
  const profiles = await countProfiles(pool, organizationId);
  let recomputed = { checked: 0, written: 0, deleted: 0 };
  for await (const progress of resumeRefresh(pool, organizationId, "full", clock, RECOMPUTE)) {
    const { checked, written, deleted } = progress;
    recomputed = { checked, written, deleted };
    // Customers who have no profile here are recomputed too.
    const total = Math.max(profiles, checked);
    yield { phase: "recomputing", done: checked, total, objects: objectsOf(task) };
  }
  return recomputed;
}

async function moveWatermarks(task: PullTask, locations: readonly JsonObject[]): Promise<void> {
  const payments = locations.map(({ id }) => `payments/${id}`);
  for (const what of ["catalog", "customers", "bookings", "refunds", ...payments]) {
    await moveWatermark(task, what);
  }
}

function* windowsOf(task: PullTask, locations: readonly JsonObject[], since: Date): Generator<Window> {
  const { api, startedAt } = task;
  const window = (
    name: string,
    fetchPage: Window["fetchPage"],
    kind: PulledKind,
    factsOf: (object: JsonObject) => readonly Fact[],
  ): Window => ({ name, fetchPage, store: (objects) => storeObjects(task, kind, objects, factsOf) });

  yield window("team", (cursor) => api.teamMembers({ cursor }), "team_members", factsOfTeamMember);
  yield {
    name: "catalog",
    fetchPage: (cursor) => api.catalog({ cursor }),
    store: (objects) => storeCatalog(task, objects),
  };
  yield window("customers", (cursor) => api.customers({ cursor }), "customers", factsOfProfile);
  for (const days of bookingWindows(since, new Date(startedAt.getTime() + LOOK_FAR_AHEAD_DAYS * DAY_MS))) {
    const name = `bookings/${days.startAtMin.toISOString()}`;
    yield window(name, (cursor) => api.bookings({ ...days, cursor }), "bookings", factsOfBooking);
  }
  for (const span of moneyWindows(since, startedAt)) {
    const name = `${span.updatedFrom.toISOString()}/${span.updatedTo.toISOString()}`;
    for (const { id } of locations) {
      const locationId = String(id);
      const fetchPage: Window["fetchPage"] = (cursor) => api.payments({ ...span, cursor, locationId });
      yield window(`payments/${locationId}/${name}`, fetchPage, "payments", factsOfPayment);
    }
    yield window(`refunds/${name}`, (cursor) => api.refunds({ ...span, cursor }), "refunds", factsOfRefund);
  }
}

function* moneyWindows(from: Date, to: Date): Generator<{ updatedFrom: Date; updatedTo: Date }> {
  for (let begin = from.getTime(); begin < to.getTime(); begin += MONEY_WINDOW_MS) {
    const end = Math.min(begin + MONEY_WINDOW_MS, to.getTime());
    yield { updatedFrom: new Date(begin), updatedTo: new Date(end) };
  }
}

/** @returns the names of the windows that failed */
async function* readWindows(
  task: PullTask,
  run: Run,
  windows: readonly Window[],
): AsyncGenerator<BackfillProgress, string[]> {
  const unread: string[] = [];
  let inARow = 0;
  for (const [done, window] of windows.entries()) {
    const progress = () => ({
      phase: "reading" as const,
      done,
      total: windows.length,
      objects: objectsOf(task),
    });
    yield progress();
    try {
      for await (const _ of readWindow(task, run, window)) yield progress();
      inARow = 0;
    } catch (error) {
      inARow += 1;
      if (inARow === GIVE_UP_AFTER) throw error;
      leaveForLater(task, window.name, unread, error);
    }
  }
  return unread;
}

/** Notes a failed list. @throws the error, if every other list would fail too */
function leaveForLater(task: PullTask, name: string, unread: string[], error: unknown): void {
  const ofSquare = error instanceof SquareApiError && !ENDS_ALL.has(error.code);
  if (!ofSquare && !(error instanceof LockedElsewhere)) throw error;
  noteFailure(task.report.errors, task.organizationId, name, error);
  unread.push(name);
}

const ENDS_ALL: ReadonlySet<string> = new Set(["square_unauthorized", "square_interrupted"]);

interface WindowPosition {
  readonly cursor: string | null;
  readonly done: boolean;
}

/** Reads a window from its stored position. Yields after each page. */
async function* readWindow(task: PullTask, run: Run, window: Window): AsyncGenerator<void> {
  const { pool, organizationId, clock, signal } = task;
  const name = `backfill/${window.name}`;
  const place = await readPosition<WindowPosition>(pool, organizationId, name);
  if (place?.done) return;
  let from = place?.cursor ?? undefined;
  for (;;) {
    try {
      for await (const { objects, cursor } of pages(window.fetchPage, from)) {
        const failed = await window.store(objects);
        // The failure is saved before the cursor. Otherwise a kill in between would hide it.
        if (failed > 0) {
          await savePosition<Run>(pool, organizationId, "backfill", { ...run, failed: true }, clock());
        }
        const position = { cursor, done: cursor === null };
        await savePosition<WindowPosition>(pool, organizationId, name, position, clock());
        yield;
        signal.throwIfAborted();
      }
      return;
    } catch (error) {
      // Square has forgotten the cursor of an earlier run. The window is read again from its beginning.
      const forgotten = error instanceof SquareApiError && error.code === "square_invalid_cursor";
      if (!forgotten || from === undefined) throw error;
      from = undefined;
    }
  }
}
