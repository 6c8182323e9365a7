import type { z } from "zod";

/**
 * One line for a log or a dead letter: every path and what is wrong there.
 *
 * Never a value: payloads are personal data, error messages are not kept like personal data.
 *
 * @param root what the paths start from: `booking` gives `booking.start_at: ...`
 */
export function describeIssues(error: z.ZodError, root: string): string {
  return error.issues.map((issue) => `${[root, ...issue.path].join(".")}: ${issue.message}`).join("; ");
}
