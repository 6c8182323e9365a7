/** The clock of a limiter. It is injected, so tests set the time. */
export interface Timing {
  /** Milliseconds since the epoch. Never goes back. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** Spaces out requests. Each caller reserves the next free slot at once and waits until then. */
export class Limiter {
  #nextAt = 0;

  /** Resolves when the caller may send one request. */
  async turn(intervalMs: number, { now, wait }: Timing): Promise<void> {
    const current = now();
    const at = Math.max(current, this.#nextAt);
    this.#nextAt = at + intervalMs;
    if (at > current) await wait(at - current);
  }

  /** Delays all later turns by at least `ms`, because Square's limit counts all requests together. */
  hold(ms: number, { now }: Timing): void {
    this.#nextAt = Math.max(this.#nextAt, now() + ms);
  }
}

const limiters = new Map<string, Limiter>();

/**
 * The limiter of a merchant in this process. All clients of the merchant share it. Other processes have their own. If
 * they are too fast together, Square answers 429.
 *
 * @param host keeps a fake Square's rate apart from the real one's
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
