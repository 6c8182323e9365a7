interface SentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Reads a live stream as a browser does. */
export class StreamReader {
  readonly events: SentEvent[] = [];
  text = "";
  ended = false;
  readonly #changed = new Set<() => void>();

  constructor(readonly response: Response) {
    void this.#read();
  }

  async #read() {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) {
        this.text += decoder.decode(chunk as Uint8Array, { stream: true });
        this.#parse();
        for (const wake of this.#changed) wake();
      }
    } catch {
      // The server or the test has ended the stream.
    }
    this.ended = true;
    for (const wake of this.#changed) wake();
  }

  #parse() {
    const blocks = this.text.split("\n\n").slice(0, -1);
    this.events.length = 0;
    for (const block of blocks) {
      const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      const event = field("event");
      if (event) this.events.push({ event, id: field("id"), data: JSON.parse(field("data") ?? "") });
    }
  }

  /** Resolves when `holds` returns true. `holds` is called after every read and at the end of the stream. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#changed.delete(wake);
          resolve();
        };
        this.#changed.add(wake);
      });
    }
  }
}
