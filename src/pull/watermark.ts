import { readPosition, savePosition } from "../database/positions.js";
import type { Page } from "../square/api/api.js";
import { pages } from "../square/api/pages.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";

/** Square's lists lag behind by seconds, now and then by minutes: what is younger than this counts as not read yet. */
export const SETTLE_MS = 5 * 60_000;

/** How far a pull looks back behind its watermark, for what its list was late to show. */
const OVERLAP_MS = 10 * 60_000;

/** Before Square had its first seller. */
export const SQUARE_EPOCH = new Date("2009-01-01T00:00:00Z");

interface Watermark {
  /** RFC 3339: everything that changed before it is stored. */
  readonly watermark: string;
}

/**
 * From when on the changes of a kind of object are to be asked for: since ever, when they never were. A watermark from the future was
 * left by a clock that was ahead, and tells nothing of what has changed since then.
 */
export async function readFrom(task: PullTask, what: string): Promise<Date> {
  if (task.everything) return SQUARE_EPOCH;
  const position = await readPosition<Watermark>(task.pool, task.organizationId, `pull/${what}`);
  const watermark = Date.parse(position?.watermark ?? "");
  const isKnown = watermark <= task.startedAt.getTime();
  return isKnown ? new Date(watermark - OVERLAP_MS) : SQUARE_EPOCH;
}

/** Moves the watermark up to the pull's begin: only for what was read whole and stored whole. */
export async function moveWatermark(
  { pool, organizationId, startedAt, clock }: PullTask,
  what: string,
): Promise<void> {
  const watermark = new Date(startedAt.getTime() - SETTLE_MS).toISOString();
  await savePosition<Watermark>(pool, organizationId, `pull/${what}`, { watermark }, clock());
}

/**
 * Reads a list to its end and stores page after page.
 *
 * @param store returns how many objects of the page could not be stored
 * @returns how many in all
 */
export async function readList(
  fetchPage: (cursor?: string) => Promise<Page>,
  store: (objects: readonly JsonObject[]) => Promise<number>,
): Promise<number> {
  let failed = 0;
  for await (const { objects } of pages(fetchPage)) failed += await store(objects);
  return failed;
}
