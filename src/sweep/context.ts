import type { Inbox } from "../inbox/inbox.js";
import type { PullContext } from "../pull/context.js";

/** What a sweep works with: what its pull needs, and the inbox whose deferred events it tries again. */
export interface SweepContext extends PullContext {
  readonly inbox: Pick<Inbox, "receive" | "retryDue">;
}
