import { randomUUID } from "node:crypto";
import type { SalonEvent } from "../ledger.js";
import type { FakeSquareApi } from "./api.js";
import type { FakeApplication } from "./oauth.js";
import { post, type SubscriptionJson, sign } from "./subscriptions.js";

const MINUTE = 60_000;
/** Square repeats a failed delivery eleven times within a day. */
const RETRY_AFTER_MS = [1, 2, 4, 8, 16, 32, 60, 120, 240, 480, 480].map((minutes) => minutes * MINUTE);

/** Sends a merchant's events to the subscriptions of the applications that the merchant has connected to. */
export class FakeDeliveries {
  readonly #api: FakeSquareApi;
  readonly #retryAfterMs: readonly number[];
  readonly #waiting = new Set<NodeJS.Timeout>();

  constructor(api: FakeSquareApi, retryAfterMs: readonly number[] = RETRY_AFTER_MS) {
    this.#api = api;
    this.#retryAfterMs = retryAfterMs;
  }

  /** Resolves after the first attempts. */
  async send(events: readonly SalonEvent[]): Promise<void> {
    for (const { event } of events) {
      const { oauth } = this.#api;
      await this.#sendTo((application) => oauth.isConnected(application, event.merchant_id), event);
    }
  }

  /** Tells an application that its permission has ended. It is no longer connected then. */
  sendRevocation(to: FakeApplication, merchant_id: string, now: Date): Promise<void> {
    const created_at = now.toISOString();
    const object = { revocation: { revoked_at: created_at, revoker_type: "APPLICATION" } };
    const data = { type: "revocation", id: randomUUID(), object };
    const event = {
      merchant_id,
      type: "oauth.authorization.revoked",
      event_id: randomUUID(),
      created_at,
      data,
    };
    return this.#sendTo((application) => application === to, event);
  }

  async #sendTo(
    isReceiver: (application: FakeApplication) => boolean,
    event: { readonly type: string },
  ): Promise<void> {
    for (const { application, json } of this.#api.subscriptions.to(event.type)) {
      if (!isReceiver(application)) continue;
      const body = JSON.stringify(event);
      await this.#attempt(json, body, sign(json, body), 0);
    }
  }

  stop(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }

  /** A delivery keeps its first signature, so retries after a rotation carry the old key. */
  async #attempt(subscription: SubscriptionJson, body: string, signature: string, failures: number) {
    const status = await post(subscription, body, signature).catch(() => 0);
    const wait = this.#retryAfterMs[failures];
    if ((status >= 200 && status <= 299) || wait === undefined) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      void this.#attempt(subscription, body, signature, failures + 1);
    }, wait).unref();
    this.#waiting.add(timer);
  }
}
