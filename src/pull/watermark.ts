import { readPosition, savePosition } from "../database/positions.js";
import type { Page } from "../square/api/api.js";
import { pages } from "../square/api/pages.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";

/** Square's lists lag behind by seconds, sometimes by minutes. Changes younger than this count as unread. */
export const SETTLE_MS = 5 * 60_000;

/** The overlap of a pull with the one before, for changes that the list showed late. */
const OVERLAP_MS = 10 * 60_000;

/** An instant before Square's first seller. */
export const SQUARE_EPOCH = new Date("2009-01-01T00:00:00Z");

interface Watermark {
  /** RFC 3339. Every change before it is stored. */
  readonly watermark: string;
}

/**
 * The instant from which changes of a kind of object must be read: the watermark less an overlap. Without a watermark
 * everything is read. A watermark in the future comes from a clock that was ahead, so it is ignored.
 */
export async function readFrom(task: PullTask, what: string): Promise<Date> {
  if (task.everything) return SQUARE_EPOCH;
  const position = await readPosition<Watermark>(task.pool, task.organizationId, `pull/${what}`);
  const watermark = Date.parse(position?.watermark ?? "");
  const isKnown = watermark <= task.startedAt.getTime();
  return isKnown ? new Date(watermark - OVERLAP_MS) : SQUARE_EPOCH;
}

/** Moves the watermark to the pull's start. Call it only when the whole list was read and stored. */
export async function moveWatermark(
  { pool, organizationId, startedAt, clock }: PullTask,
  what: string,
): Promise<void> {
  const watermark = new Date(startedAt.getTime() - SETTLE_MS).toISOString();
  await savePosition<Watermark>(pool, organizationId, `pull/${what}`, { watermark }, clock());
}

/**
 * Reads a list to its end and stores it page by page.
 *
 * @param store returns the number of objects of the page that could not be stored
 * @returns the total of these numbers
 */
export async function readList(
  fetchPage: (cursor?: string) => Promise<Page>,
  store: (objects: readonly JsonObject[]) => Promise<number>,
): Promise<number> {
  let failed = 0;
  for await (const { objects } of pages(fetchPage)) failed += await store(objects);
  return failed;
}
