import type { Writable } from "node:stream";
import pino, { type Level, type Logger } from "pino";

/** What the rooms below http need of a logger; pino's is one. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** How much of the log may wait for a reader that does not keep up. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Opens the server's log: one JSON object a line. Logging may fail and the server may not: a full disk, a closed pipe or a reader that
 * has stopped cost lines, never a wait. Lost lines are counted, and the count is logged once when there is room again.
 */
export function openLog(level: Level | "silent", out: Writable = process.stdout): Logger {
  const lines = new LogLines(out, (lost) => log.error({ lost }, "log lines were lost"));
  const log = pino({ level, base: null }, lines);
  return log;
}

class LogLines {
  readonly #out: Writable;
  readonly #tellLost: (lost: number) => void;
  #lost = 0;
  /** So many lost lines the line that is being written tells of. */
  #telling = 0;

  /** @param tellLost writes a line that tells of so many lost ones */
  constructor(out: Writable, tellLost: (lost: number) => void) {
    this.#out = out;
    this.#tellLost = tellLost;
    // Each line that fails says so to its own callback.
    out.on("error", () => {});
    out.on("drain", () => this.#roomAgain());
    neverWaitForTerminal(out);
  }

  write(line: string): void {
    if (this.#out.writableLength > MAX_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    const telling = this.#telling;
    // A disk that is full can take the first half of a line.
    this.#out.write(telling > 0 ? `\n${line}` : line, (error) => {
      if (error) this.#lost += 1 + telling;
      else if (this.#out.writableLength === 0) this.#roomAgain();
    });
  }

  #roomAgain(): void {
    if (this.#lost === 0) return;
    this.#telling = this.#lost;
    this.#lost = 0;
    this.#tellLost(this.#telling);
    this.#telling = 0;
  }
}

/** Node waits for a terminal, and a terminal stands still after Ctrl-S. Of pipes, files and sockets it waits for none. */
function neverWaitForTerminal(out: Writable): void {
  const { isTTY, _handle } = out as { isTTY?: boolean; _handle?: { setBlocking?(blocking: boolean): void } };
  if (isTTY) _handle?.setBlocking?.(false);
}
