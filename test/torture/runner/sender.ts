import { setTimeout as wait } from "node:timers/promises";
import { bodyOf } from "../../support/events.js";
import { type HttpAnswer, HttpClient } from "./http.js";
import { signatureOf } from "./server-process.js";
import type { Tally } from "./tally.js";

export interface SenderOptions {
  /** The server's address. It is read before every delivery, because a restarted server may have another. */
  readonly url: () => string;
  readonly tally: Tally;
  /** Deliveries at once. The default is 16. */
  readonly connections?: number;
  /** For so many milliseconds an event is delivered again until it is answered 200. The default is 60,000. */
  readonly patience?: number;
  /** Milliseconds to wait for an answer. The default is 10,000, as at Square. */
  readonly timeout?: number;
  /** The signature header of a body. The default is for the attacks' servers. */
  readonly sign?: (body: string) => string;
}

interface Event {
  readonly event_id: string;
}

/**
 * Delivers events as Square does: again and again until they are answered 200. It records which events were
 * acknowledged. Any answer but 200, or 503 with Retry-After, is a broken promise.
 */
export class Sender {
  readonly options: SenderOptions;
  readonly #client: HttpClient;
  /** The status in the first answer 200 to each event, by the event's id. */
  readonly acknowledged = new Map<string, string>();
  /** The number of answers by HTTP status. 0 counts deliveries without an answer. */
  readonly statuses: Record<number, number> = {};
  /** Milliseconds of each delivery that was answered 200. */
  readonly latencies: number[] = [];

  constructor(options: SenderOptions) {
    this.options = options;
    this.#client = new HttpClient(options.timeout ?? 10_000);
  }

  /** Resolves when every event is acknowledged or its time is over. @returns how many were never acknowledged */
  async deliver(events: Iterable<Event>): Promise<number> {
    const queue = events[Symbol.iterator]();
    let given = 0;
    const work = async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) {
        if (!(await this.#untilAcknowledged(next.value))) given += 1;
      }
    };
    await Promise.all(Array.from({ length: this.options.connections ?? 16 }, work));
    return given;
  }

  /** Delivers once. @returns the answer, or undefined without one */
  async once(event: Event): Promise<HttpAnswer | undefined> {
    const body = bodyOf(event);
    const { tally, url, sign = signatureOf } = this.options;
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "x-square-hmacsha256-signature": sign(body),
    };
    tally.counts.sent += 1;
    const started = performance.now();
    const answer = await this.#client
      .send(url(), { method: "POST", path: "/webhooks/square", headers, body })
      .catch(() => undefined);
    const status = answer?.status ?? 0;
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (answer?.status === 200) {
      this.latencies.push(performance.now() - started);
      tally.counts.acknowledged += 1;
      const { status: outcome } = JSON.parse(answer.text) as { status: string };
      if (!this.acknowledged.has(event.event_id)) this.acknowledged.set(event.event_id, outcome);
    } else if (answer) {
      const refused = answer.status === 503 && Number(answer.headers["retry-after"]) > 0;
      tally.expect(refused, `an event was answered ${answer.status}: ${answer.text.slice(0, 200)}`);
    }
    return answer;
  }

  close(): void {
    this.#client.close();
  }

  async #untilAcknowledged(event: Event): Promise<boolean> {
    const until = performance.now() + (this.options.patience ?? 60_000);
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.once(event);
      if (answer?.status === 200) return true;
      if (performance.now() > until) return false;
      await wait(Math.min(20 * 2 ** attempt, 500));
    }
  }
}
