import type { TestContext } from "vitest";

/**
 * Leaves a test out where the machine lacks what it needs, and says so at the end of the run. In CI everything is there, so
 * there it fails.
 *
 * @param reason what is missing; undefined when nothing is
 */
export function skipUnlessRequired(context: TestContext, reason: string | undefined): void {
  if (reason === undefined) return;
  if (process.env.CI) throw new Error(`This test must run in CI, but ${reason}.`);
  context.skip(reason);
}
