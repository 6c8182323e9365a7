import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.js";
import type { WebhookConfig } from "../config.js";
import { describeFailure, RegularsError } from "../errors.js";
import type { Log } from "../log.js";
import type { SubscriptionsApi } from "../square/api/subscriptions.js";
import { checkSubscription } from "./subscription.js";
import {
  type SubscriptionPoint,
  type SubscriptionStatus,
  subscriptionPoints,
} from "./subscription-status.js";

export interface WatchOptions {
  readonly api: Pick<SubscriptionsApi, "list" | "get">;
  readonly webhook: WebhookConfig;
  readonly clock: Clock;
  readonly log: Log;
}

const EVERY_MS = 10 * 60_000;

/**
 * Asks Square for the subscription when the server starts, and every ten minutes. It logs a problem once, when it
 * appears. It never stops the server.
 */
export class SubscriptionWatch {
  readonly #options: WatchOptions;
  readonly #stopping = new AbortController();
  #status = statusOf(null, null, []);
  #running: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get status(): SubscriptionStatus {
    return this.#status;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Asks Square now. Never throws. */
  async check(): Promise<void> {
    const { api, webhook, clock, log } = this.#options;
    const before = this.#status.problem;
    try {
      const { id, problems } = await checkSubscription(api, webhook);
      this.#status = statusOf(clock(), id, problems);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const why = error instanceof RegularsError ? error.message : describeFailure(error);
      this.#status = unknown(clock(), why);
    }
    const { problem, remedy, level } = this.#status;
    if (problem === before) return;
    if (problem === null) log.info({}, "webhook subscription is as it should be");
    else log[level === "error" ? "error" : "warn"]({ problem, to_do: remedy }, "webhook subscription");
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    do await this.check();
    while (await sleep(EVERY_MS, true, { signal, ref: false }).catch(() => false));
  }
}

function statusOf(
  checked_at: Date | null,
  id: string | null,
  problems: Awaited<ReturnType<typeof checkSubscription>>["problems"],
): SubscriptionStatus {
  const [worst] = problems;
  const isKnown = checked_at !== null;
  // Of a subscription that is not there, nothing else is known.
  const rightOf = (point: SubscriptionPoint) => {
    if (problems.some((each) => each.point === point)) return false;
    return isKnown && id !== null ? true : null;
  };
  return {
    checked_at,
    id,
    points: pointsBy(rightOf),
    level: worst?.level ?? "ok",
    problem: worst?.problem ?? null,
    remedy: worst?.remedy ?? null,
  };
}

function unknown(checked_at: Date, why: string): SubscriptionStatus {
  return {
    checked_at,
    id: null,
    points: pointsBy(() => null),
    level: "warning",
    problem: `The webhook subscription cannot be checked: ${why}`,
    remedy: 'run "regulars doctor"',
  };
}

function pointsBy(rightOf: (point: SubscriptionPoint) => boolean | null): SubscriptionStatus["points"] {
  return Object.fromEntries(subscriptionPoints.map((point) => [point, rightOf(point)])) as Record<
    SubscriptionPoint,
    boolean | null
  >;
}
