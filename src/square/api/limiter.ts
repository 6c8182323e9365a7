/** What a limiter measures time with; injected, so that tests decide. */
export interface Timing {
  /** Milliseconds since the epoch, never going backwards. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** Spaces the requests that share it. Each caller takes the next free slot at once, and waits until it comes. */
export class Limiter {
  #nextAt = 0;

  /** Resolves when the caller may send one request. */
  async turn(intervalMs: number, { now, wait }: Timing): Promise<void> {
    const current = now();
    const at = Math.max(current, this.#nextAt);
    this.#nextAt = at + intervalMs;
    if (at > current) await wait(at - current);
  }

  /** Nobody who asks from now on gets a turn before these milliseconds have passed: Square's limit holds for all requests. */
  hold(ms: number, { now }: Timing): void {
    this.#nextAt = Math.max(this.#nextAt, now() + ms);
  }
}

const limiters = new Map<string, Limiter>();

/**
 * The one limiter of a merchant in this process, so that two clients of one merchant share its rate. Other processes
 * know nothing of it; Square's 429 is what holds them together.
 *
 * @param host part of the name, since a fake Square and the real one do not share a rate
 */
export function limiterOf(host: string, merchantId: string): Limiter {
  const name = `${host} ${merchantId}`;
  let limiter = limiters.get(name);
  if (!limiter) {
    limiter = new Limiter();
    limiters.set(name, limiter);
  }
  return limiter;
}
