import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { Inbox } from "../inbox/inbox.js";
import type { Log } from "../log.js";
import type { OpenSquareApi } from "../square/api/api.js";

/** What asking Square works with. */
export interface PullContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly inbox: Pick<Inbox, "receive">;
  readonly openApi: OpenSquareApi;
  /** 32 bytes, TOKEN_ENCRYPTION_KEY: without it no stored token opens, and nothing is pulled. */
  readonly tokenEncryptionKey?: Buffer;
  /** Aborted when the process is stopping: long work ends at the next safe place. */
  readonly signal?: AbortSignal;
}
