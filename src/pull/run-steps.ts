import { isUnavailable } from "../database/failures.js";
import { noteFailure } from "../errors.js";
import { SquareApiError } from "../square/api/api-error.js";
import { connect, type PullContext, type PullOptions, type PullTask } from "./connect.js";
import type { PullReport } from "./report.js";

/** A part of a pull, under the name that its errors have in the report. */
export type PullStep = readonly [name: string, work: () => Promise<void>];

const ENDS_PULL: ReadonlySet<string> = new Set(["square_unauthorized", "square_timed_out"]);

/**
 * Connects to Square and runs the steps of one organization's pull. This is where a pull's errors are caught:
 *
 * - An object that cannot be read or stored is noted where it is stored (store-objects.ts). The rest of its list goes on, and
 *   the list's watermark stays.
 * - Whatever else a step throws is noted here, and the next step goes on. The pull ends where the next step could only meet the
 *   same: at a token that Square does not take, and at a time-out, because each further one would cost a minute.
 * - Being stopped, or out of time, is no error.
 *
 * @returns whether the pull came to its end, with or without errors; false when it was stopped or gave up on the way
 * @throws only when the database is unavailable
 */
export async function runSteps(
  context: PullContext,
  organizationId: string,
  options: PullOptions & { readonly report: PullReport },
  stepsOf: (task: PullTask) => AsyncIterable<PullStep>,
): Promise<boolean> {
  const { errors } = options.report;
  const attempt = async (step: string, work: () => Promise<unknown>): Promise<"done" | "failed" | "over"> => {
    try {
      await work();
      return "done";
    } catch (error) {
      const ofSquare = error instanceof SquareApiError;
      if (isUnavailable(error) && !ofSquare) throw error;
      if (ofSquare && error.code === "square_interrupted") return "over";
      noteFailure(errors, organizationId, step, error);
      return ofSquare && ENDS_PULL.has(error.code) ? "over" : "failed";
    }
  };
  let task: PullTask | undefined;
  await attempt("connect", async () => {
    task = await connect(context, organizationId, options);
  });
  if (!task) return false;
  for await (const [name, work] of stepsOf(task)) {
    if (task.signal.aborted || (await attempt(name, work)) === "over") return false;
  }
  return true;
}
