import { noteFailure } from "../errors.js";
import { SquareApiError, type SquareApiErrorCode } from "../square/api/api-error.js";
import { InvalidEnvelope, readEnvelope } from "../square/envelope.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { countPulled } from "./store-objects.js";
import { moveWatermark, readFrom, readList } from "./watermark.js";

/** Square keeps events for 28 days. */
const KEPT_MS = 28 * 24 * 60 * 60_000;

/**
 * Answers that mean that this API is not available for the token. It is in beta, off by default, and accepts personal
 * tokens only. Without it the pull uses only the lists of objects.
 */
const NOT_FOR_US: ReadonlySet<SquareApiErrorCode> = new Set([
  "square_unauthorized",
  "square_forbidden",
  "square_not_found",
  "square_bad_request",
]);

/**
 * Pulls missed events where Square allows a search for them. An event keeps its id and is processed like a
 * delivery, so an event that was delivered before is a duplicate. Events also carry merges and deletions, which no
 * list of objects shows.
 */
export async function pullEvents(task: PullTask): Promise<void> {
  const { api, startedAt } = task;
  const kept = new Date(startedAt.getTime() - KEPT_MS);
  const from = await readFrom(task, "events");
  const window = { createdFrom: from > kept ? from : kept, createdTo: startedAt };
  try {
    const failed = await readList(
      (cursor) => api.events({ ...window, cursor }),
      (objects) => takeEvents(task, objects),
    );
    if (failed === 0) await moveWatermark(task, "events");
  } catch (error) {
    if (!(error instanceof SquareApiError && NOT_FOR_US.has(error.code))) throw error;
  }
}

/** @returns the number of events that could not be read */
async function takeEvents(task: PullTask, objects: readonly JsonObject[]): Promise<number> {
  const { inbox, organizationId, report } = task;
  let failed = 0;
  const outcomes = await Promise.all(
    objects.map((object) => {
      try {
        return inbox.receive(readEnvelope(object), "events_api");
      } catch (error) {
        if (!(error instanceof InvalidEnvelope)) throw error;
        failed += 1;
        noteFailure(report.errors, organizationId, "events", error);
        return undefined;
      }
    }),
  );
  const applied = outcomes.filter((outcome) => outcome === "processed").length;
  countPulled(task, "events", { read: objects.length, stored: objects.length - failed, applied });
  return failed;
}
