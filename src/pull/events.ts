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
 * How Square says that this API is not for the token: it is in beta, switched off by default, and takes personal tokens only.
 * Without it the lists of objects have to do.
 */
const NOT_FOR_US: ReadonlySet<SquareApiErrorCode> = new Set([
  "square_unauthorized",
  "square_forbidden",
  "square_not_found",
  "square_bad_request",
]);

/**
 * The events themselves, where Square lets us search them. They go the way of every delivery: same id, same door to the tables,
 * so one that came before is a duplicate. No list tells as much: they carry merges and deletions.
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

/** @returns how many could not be read */
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
