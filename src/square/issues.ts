import type { z } from "zod";

/**
 * Describes validation issues in one line: every path and its problem. Values are left out, because they may be
 * personal data.
 *
 * @param root the start of each path: `booking` gives `booking.start_at: ...`
 */
export function describeIssues(error: z.ZodError, root: string): string {
  return error.issues.map((issue) => `${[root, ...issue.path].join(".")}: ${issue.message}`).join("; ");
}
