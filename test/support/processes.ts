import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { nodeParameters } from "./program.js";

/** A script of test/support/scripts in its own process. The end of the test kills it if it still runs. */
export class Script {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(name: string, ...parameters: string[]) {
    const script = nodeParameters(`test/support/scripts/${name}.ts`);
    this.#child = spawn(process.execPath, [...script, ...parameters], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#child.stderr.on("data", (chunk) => {
      this.#errors += chunk;
    });
    onTestFinished(() => this.kill());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next line that the script prints. It fails with the script's errors if the script ends instead. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`The script ended: ${this.#errors}`);
    return value;
  }

  /** The remaining lines, after the script has ended by itself. */
  async rest(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return lines;
      lines.push(value);
    }
  }

  /** Kills it as a crash does. It cannot clean up. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
