import type { ReportedError } from "../errors.js";
import type { Silence } from "./silence.js";
import type { SubscriptionStatus } from "./subscription-status.js";
import type { TokenStatus } from "./token-status.js";

/** The parts of `JobsStatus` that a verdict depends on. */
export interface Standing {
  readonly inbox: {
    readonly by_status: { readonly dead?: number };
    readonly oldest_unprocessed_seconds: number | null;
    readonly dead_by_reason: readonly {
      readonly event_type: string;
      readonly reason: string | null;
      readonly events: number;
    }[];
  };
  /** The newest first. */
  readonly sweeps: readonly {
    readonly status: string;
    readonly created_at: Date;
    readonly completed_at: Date | null;
    readonly checked: number | null;
    readonly drifted: number | null;
    readonly created: number | null;
    readonly deleted: number | null;
    readonly errors: readonly ReportedError[];
  }[];
  readonly organizations: readonly {
    readonly name: string;
    readonly status: string;
    readonly unfinished_pulls: number;
    readonly token: TokenStatus;
  }[];
  readonly silence: readonly Silence[];
  readonly replica: { readonly problem: string | null } | null;
  readonly subscription: Pick<SubscriptionStatus, "level" | "problem" | "remedy"> | null;
}

/** One line that says whether the numbers can be trusted, and what to do if not. */
export interface Verdict {
  readonly level: "ok" | "warning" | "error";
  readonly text: string;
}

const HOUR_MS = 3_600_000;

/** Sweeps run hourly by default. Two of them may be late or skipped. */
const SWEPT_WITHIN_MS = 3 * HOUR_MS;

/** Returns the most serious finding. */
export function verdictOf(status: Standing, now: Date): Verdict {
  return (
    brokenInbox(status) ??
    brokenSubscription(status, "error") ??
    brokenSweep(status, now) ??
    brokenOrganization(status) ??
    foundDrift(status) ??
    silentLocation(status) ??
    brokenSubscription(status, "warning") ??
    unusedReplica(status) ??
    allWell(status)
  );
}

type Finding = Verdict | undefined;

function brokenInbox({ inbox }: Standing): Finding {
  const waited = inbox.oldest_unprocessed_seconds ?? 0;
  if (waited * 1_000 > HOUR_MS) {
    const text = `Events have waited for ${Math.floor(waited / 3_600)} h. See /admin/events?status=deferred for the reason.`;
    return { level: "error", text };
  }
  const dead = inbox.by_status.dead ?? 0;
  const [most] = inbox.dead_by_reason;
  if (dead === 0 || !most) return undefined;
  const reason = most.reason ?? "no reason stored";
  const text =
    `${dead} dead event(s) had no effect. The most frequent: ${most.events} of ${most.event_type} (${reason}). ` +
    "Fix the cause, then replay them.";
  return { level: "error", text };
}

/** Without its subscription no event comes. A smaller fault of it is told after those of the data. */
function brokenSubscription({ subscription }: Standing, level: "warning" | "error"): Finding {
  if (subscription?.level !== level) return undefined;
  return { level, text: `${subscription.problem}. To do: ${subscription.remedy}.` };
}

function brokenSweep({ sweeps, organizations }: Standing, now: Date): Finding {
  if (organizations.length === 0) {
    const text =
      'There is no organization yet. Connect a seller with "regulars connect", or add one with "regulars org add".';
    return { level: "warning", text };
  }
  const last = sweeps.find(({ status }) => status !== "processing");
  if (!last) {
    return {
      level: "warning",
      text: "No sweep has ended yet. Set RECONCILE_SCHEDULE, or call the cron endpoint.",
    };
  }
  const [error] = last.errors;
  if (error)
    return {
      level: "error",
      text: `The last sweep had an error in ${error.step}: ${error.message}`,
    };
  const ended = last.completed_at ?? last.created_at;
  if (now.getTime() - ended.getTime() <= SWEPT_WITHIN_MS) return undefined;
  const text = `The last sweep ended at ${ended.toISOString()}. Is RECONCILE_SCHEDULE off, or the cron service down?`;
  return { level: "warning", text };
}

function brokenOrganization({ organizations }: Standing): Finding {
  const revoked = organizations.filter(({ status }) => status === "revoked").map(({ name }) => name);
  if (revoked.length > 0) {
    return {
      level: "warning",
      text: `${revoked.join(", ")}: the seller has revoked our access at Square. Authorize again.`,
    };
  }
  const untimely = organizations.find(({ token }) => token.state === "expired" || token.state === "late");
  if (untimely) {
    const { name, token } = untimely;
    const what = token.state === "expired" ? "has expired" : "was not renewed in time";
    return { level: "warning", text: `${name}: the access token ${what}. To do: ${token.remedy}.` };
  }
  const unfinished = organizations.find(({ unfinished_pulls }) => unfinished_pulls > 1);
  if (!unfinished) return undefined;
  const text =
    `${unfinished.name}: the last ${unfinished.unfinished_pulls} pulls did not finish. ` +
    "The sweeps in the list name the errors.";
  return { level: "warning", text };
}

function foundDrift({ sweeps }: Standing): Finding {
  const last = sweeps.find(({ status }) => status !== "processing");
  const wrong = (last?.drifted ?? 0) + (last?.created ?? 0) + (last?.deleted ?? 0);
  if (wrong === 0) return undefined;
  const text =
    `The last sweep corrected ${wrong} wrong row(s). /admin/drift names the columns. ` +
    "If nobody changed the tables by hand, this is a bug: please report it.";
  return { level: "warning", text };
}

function silentLocation({ silence }: Standing): Finding {
  const [first] = silence.filter(({ is_silent }) => is_silent);
  if (!first) return undefined;
  const text =
    `${first.location_name} has been silent for ${first.silent_hours} h; ${first.usual_hours} h are usual. ` +
    'If it is not closed, run "regulars doctor".';
  return { level: "warning", text };
}

function unusedReplica({ replica }: Standing): Finding {
  if (!replica?.problem) return undefined;
  return { level: "warning", text: `Reports are read from the primary: ${replica.problem}` };
}

function allWell({ sweeps }: Standing): Verdict {
  const last = sweeps.find(({ status }) => status !== "processing");
  const text = `All is well. The last sweep compared ${last?.checked ?? 0} rows, and none differed.`;
  return { level: "ok", text };
}
