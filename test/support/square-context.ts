/** Pulls from a fake Square without the waits between requests and attempts. */
import { type Clock, systemClock } from "../../src/clock.js";
import type { Database } from "../../src/database/database.js";
import { Inbox } from "../../src/inbox/inbox.js";
import { silentLog } from "../../src/log.js";
import {
  type BackfillOptions,
  type BackfillProgress,
  type BackfillResult,
  backfill,
} from "../../src/pull/backfill.js";
import { pullOrganization } from "../../src/pull/pull-organization.js";
import { emptyPullReport } from "../../src/pull/report.js";
import type { OpenSquareApi } from "../../src/square/api/api.js";
import { openSquareApi } from "../../src/square/api/client.js";
import type { SweepContext } from "../../src/sweep/sweep.js";

export const TOKEN_KEY = Buffer.alloc(32, 7);
export const ACCESS_TOKEN = "EAAA-token-of-the-tests";

export function openApiAt(baseUrl: string, timeoutMs = 2_000): OpenSquareApi {
  return (access) =>
    openSquareApi({
      ...access,
      environment: "sandbox",
      baseUrl,
      requestsPerSecond: 100_000,
      timeoutMs,
      attempts: 2,
      wait: async () => {},
    });
}

/** The context of a script, outside of a test. The default clock is the machine's. */
export function openScriptContext(
  database: Database,
  squareUrl: string,
  clock: Clock = systemClock,
): SweepContext {
  return {
    database,
    clock,
    log: silentLog,
    inbox: new Inbox({ database, clock, log: silentLog }),
    openApi: openApiAt(squareUrl, 60_000),
    tokenEncryptionKey: TOKEN_KEY,
  };
}

/** One pull of one organization. */
export async function pullOnce(
  { context }: { readonly context: SweepContext },
  organizationId: string,
  everything = false,
) {
  const report = emptyPullReport();
  await pullOrganization(context, organizationId, { everything, report });
  return report;
}

/** Runs a backfill to its end. @param onProgress is called for each step */
export async function runBackfill(
  { context }: { readonly context: SweepContext },
  organizationId: string,
  options: BackfillOptions = {},
  onProgress: (progress: BackfillProgress) => void = () => {},
): Promise<BackfillResult> {
  const steps = backfill(context, organizationId, options);
  for (;;) {
    const { value, done } = await steps.next();
    if (done) return value;
    onProgress(value);
  }
}
