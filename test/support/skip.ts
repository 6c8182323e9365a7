import type { TestContext } from "vitest";

/**
 * Skips a test if the machine lacks something that it needs. The end of the run lists it. In CI nothing may be
 * missing, so the test fails there.
 *
 * @param reason what is missing. Undefined: nothing is
 */
export function skipUnlessRequired(context: TestContext, reason: string | undefined): void {
  if (reason === undefined) return;
  if (process.env.CI) throw new Error(`This test must run in CI, but ${reason}.`);
  context.skip(reason);
}
