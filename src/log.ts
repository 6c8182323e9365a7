import type { Writable } from "node:stream";
import pino, { type Level, type Logger } from "pino";

/** The logger of the rooms below http. A pino logger has this shape. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** How many bytes of log may wait for a slow reader. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Opens the server's log: one JSON object in each line. A full disk, a closed pipe or a stopped reader never stops
 * the server and never makes it wait. Lines are lost then. Their number is logged once there is room again.
 */
export function openLog(level: Level | "silent", out: Writable = process.stdout): Logger {
  const lines = new LogLines(out, (lost) => log.error({ lost }, "log lines were lost"));
  const log = pino({ level, base: null }, lines);
  return log;
}

class LogLines {
  readonly #out: Writable;
  readonly #reportLost: (lost: number) => void;
  #lost = 0;
  /** The number of lost lines that the line being written reports. 0 for any other line. */
  #reported = 0;

  /** @param reportLost logs a line with the number of lost lines */
  constructor(out: Writable, reportLost: (lost: number) => void) {
    this.#out = out;
    this.#reportLost = reportLost;
    // The callback of each write receives its error.
    out.on("error", () => {});
    out.on("drain", () => this.#roomAgain());
    neverWaitForTerminal(out);
  }

  write(line: string): void {
    if (this.#out.writableLength > MAX_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    const reported = this.#reported;
    // A full disk can cut a line in half, so the report begins on a new line.
    this.#out.write(reported > 0 ? `\n${line}` : line, (error) => {
      if (error) this.#lost += 1 + reported;
      else if (this.#out.writableLength === 0) this.#roomAgain();
    });
  }

  #roomAgain(): void {
    if (this.#lost === 0) return;
    this.#reported = this.#lost;
    this.#lost = 0;
    this.#reportLost(this.#reported);
    this.#reported = 0;
  }
}

/** Node's writes to a terminal block, and a terminal stops after Ctrl-S. Writes to other outputs do not block. */
function neverWaitForTerminal(out: Writable): void {
  const { isTTY, _handle } = out as { isTTY?: boolean; _handle?: { setBlocking?(blocking: boolean): void } };
  if (isTTY) _handle?.setBlocking?.(false);
}
