import { isUnavailable } from "../database/failures.js";
import { noteFailure } from "../errors.js";
import { SquareApiError } from "../square/api/api-error.js";
import { span } from "../tracing.js";
import { connect, type PullContext, type PullOptions, type PullTask } from "./connect.js";
import type { PullReport } from "./report.js";

/** A part of a pull. The report names its errors by this name. */
export type PullStep = readonly [name: string, work: () => Promise<void>];

const ENDS_PULL: ReadonlySet<string> = new Set(["square_unauthorized", "square_timed_out"]);

/**
 * Connects to Square and runs the steps of one organization's pull. A pull's errors are caught in two places:
 *
 * - store-objects.ts notes an object that cannot be read or stored. The rest of its list goes on, and the list's
 *   watermark stays.
 * - This function notes every other error of a step, and the next step goes on. A token that Square refuses ends
 *   the pull. So does a time-out, because each further one would cost a minute.
 *
 * A stop and an exhausted time budget are not errors.
 *
 * @returns whether all steps ran, with or without errors. False when the pull was stopped or ended early.
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
      await span(`pull ${step}`, work);
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
