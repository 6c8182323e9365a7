import type { SquareApiError, SquareApiErrorCode } from "../square/api/api-error.js";
import { pages } from "../square/api/pages.js";
import { InvalidEnvelope, readEnvelope } from "../square/envelope.js";
import type { JsonObject } from "../square/types.js";
import { noteError, type PullTask } from "./task.js";
import { moveWatermark, readFrom } from "./watermark.js";

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
  let failed = 0;
  const all = pages((cursor) => api.events({ ...window, ...(cursor !== undefined && { cursor }) }));
  for await (const { objects } of all) failed += await takeEvents(task, objects);
  if (failed === 0) await moveWatermark(task, "events");
}

/** Whether an error means that the organization has no such API, rather than that something went wrong. */
export function hasNoEvents(error: SquareApiError): boolean {
  return NOT_FOR_US.has(error.code);
}

/** @returns how many could not be read */
async function takeEvents(task: PullTask, objects: readonly JsonObject[]): Promise<number> {
  const { context, pulled } = task;
  let failed = 0;
  const outcomes = await Promise.all(
    objects.map((object) => {
      try {
        return context.inbox.receive(readEnvelope(object), "events_api");
      } catch (error) {
        if (!(error instanceof InvalidEnvelope)) throw error;
        failed += 1;
        noteError(task, "events", error.code, error.message);
        return undefined;
      }
    }),
  );
  const applied = outcomes.filter((outcome) => outcome === "processed").length;
  pulled.events += objects.length;
  pulled.applied += applied;
  pulled.skipped += objects.length - failed - applied;
  return failed;
}
