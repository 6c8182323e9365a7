import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { onTestFinished } from "vitest";

export interface TerminalOptions {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Lines of shell that run before all others, such as functions. */
  readonly prelude?: string;
}

/** Runs lines of shell as somebody who pastes them does. The end of the test kills the processes that still run. */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #news = new EventEmitter();
  #shell: ChildProcess | undefined;
  #ended: Promise<number> = Promise.resolve(0);
  #isOver = true;
  #text = "";

  constructor(options: TerminalOptions) {
    this.#options = options;
    onTestFinished(() => this.#end("SIGKILL"));
  }

  /** Starts to run lines. The lines before them must have ended. */
  begin(lines: string): void {
    const { folder: cwd, env, prelude = "" } = this.#options;
    const parameters = ["-euo", "pipefail", "-c", `${prelude}\n${lines}`];
    // The shell has its own process group, which gets the signal of Ctrl-C.
    const shell = spawn("bash", parameters, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#shell = shell;
    this.#isOver = false;
    this.#text = "";
    for (const output of [shell.stdout, shell.stderr]) {
      output.on("data", (chunk) => {
        this.#text += chunk;
        this.#news.emit("news");
      });
    }
    this.#ended = once(shell, "close").then(([code]) => {
      this.#isOver = true;
      this.#news.emit("news");
      return code ?? 1;
    });
  }

  /** @returns everything printed until the pattern matches. @throws when the lines end without a match */
  async hasPrinted(pattern: RegExp): Promise<string> {
    if ((await this.prints(pattern)) === undefined)
      throw new Error(`It ended without ${pattern}:\n${this.#text}`);
    return this.#text;
  }

  /** @returns the first match, as soon as it is printed, or undefined when the lines end without one */
  async prints(pattern: RegExp): Promise<string | undefined> {
    for (;;) {
      const [found] = pattern.exec(this.#text) ?? [];
      if (found !== undefined || this.#isOver) return found;
      await once(this.#news, "news");
    }
  }

  /** @returns what the lines printed. @throws when they end with another code than 0 */
  async end(): Promise<string> {
    const code = await this.#ended;
    if (code !== 0) throw new Error(`It ended with ${code}:\n${this.#text}`);
    return this.#text;
  }

  /** Sends Ctrl-C. @returns what the lines printed. @throws when they end with another code than 0 */
  async interrupt(): Promise<string> {
    await this.#end("SIGINT");
    return this.end();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#isOver || this.#shell?.pid === undefined) return;
    process.kill(-this.#shell.pid, signal);
    await this.#ended;
  }
}
