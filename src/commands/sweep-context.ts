import { systemClock } from "../clock.js";
import { isLoopback } from "../config/host.js";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { Inbox } from "../inbox/inbox.js";
import { type Log, silentLog } from "../log.js";
import { openSquareApi } from "../square/api/client.js";
import type { SweepContext } from "../sweep/sweep.js";

/** Square's limit is not that of a simulated Square. */
const UNLIMITED = 1_000;

/** What pulls and sweeps need in this process: the configured Square, and the server's inbox or a new one. */
export function sweepContext(
  database: Database,
  { square, tokenEncryptionKey }: Pick<Config, "square" | "tokenEncryptionKey">,
  { log = silentLog, inbox, signal }: { log?: Log; inbox?: Inbox; signal?: AbortSignal } = {},
): SweepContext {
  const clock = systemClock;
  return {
    database,
    clock,
    log,
    inbox: inbox ?? new Inbox({ database, clock, log }),
    openApi: (access) =>
      openSquareApi({
        ...access,
        environment: square.environment,
        baseUrl: square.baseUrl,
        ...(isOnThisMachine(square.baseUrl) && { requestsPerSecond: UNLIMITED }),
        onRetry: (retry) => log.warn({ ...retry }, "request to Square is repeated"),
      }),
    ...(square.application && { application: { ...square, ...square.application } }),
    ...(tokenEncryptionKey && { tokenEncryptionKey }),
    ...(signal && { signal }),
  };
}

function isOnThisMachine(baseUrl: string | undefined): boolean {
  return baseUrl !== undefined && isLoopback(new URL(baseUrl).hostname);
}
