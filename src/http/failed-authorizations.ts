const MOST_FAILURES = 20;
const WINDOW_MS = 60_000;
const MOST_CLIENTS = 10_000;

interface Window {
  readonly endsAt: number;
  failures: number;
}

/**
 * Counts wrong keys by client, to refuse a guesser with 429. What is refused are failures: a right key is never
 * limited, or whoever shares an address with a guesser (behind a proxy everybody does) could be locked out.
 */
export class FailedAuthorizations {
  readonly #clock: () => number;
  /** In the order in which they end, since all last equally long. */
  readonly #windows = new Map<string, Window>();

  /** @param clock milliseconds that never go back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * Notes one failure of a client.
   *
   * @param address as the socket has it
   * @returns how many seconds the client is to wait, or undefined as long as it has failed 20 times a minute or less
   */
  note(address: string): number | undefined {
    const now = this.#clock();
    this.#forget(now);
    const client = clientOf(address);
    const window = this.#windows.get(client) ?? { endsAt: now + WINDOW_MS, failures: 0 };
    window.failures += 1;
    this.#windows.set(client, window);
    return window.failures > MOST_FAILURES ? Math.ceil((window.endsAt - now) / 1000) : undefined;
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  /** Drops windows that are over and, so that memory stays bounded, the oldest when there are too many. */
  #forget(now: number): void {
    for (const [client, { endsAt }] of this.#windows) {
      if (endsAt > now && this.#windows.size < MOST_CLIENTS) return;
      this.#windows.delete(client);
    }
  }
}

/** One client owns a whole /64 of IPv6 addresses; an IPv4 address may come in IPv6's clothes. */
function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!address.includes(":")) return address;
  const [before = "", after] = address.split("::");
  const groups = before.split(":");
  const zeros = after === undefined ? 0 : 8 - groups.length - after.split(":").length;
  return [...groups, ...Array(Math.max(0, zeros)).fill("0"), ...(after ?? "").split(":")]
    .slice(0, 4)
    .join(":");
}
