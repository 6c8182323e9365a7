import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { signBody } from "../../../src/square/signature.js";
import { nodeParameters } from "../../support/program.js";

export const SIGNATURE_KEY = "signature-key-of-the-attacks";
export const NOTIFICATION_URL = "https://regulars.example/webhooks/square";
export const ADMIN_KEY = "admin-key-of-the-attacks";
export const CRON_SECRET = "cron-secret-of-the-attacks";

const SCRIPT = "test/torture/runner/serve.ts";
const KEPT_LINES = 2_000;

export interface ServerOptions {
  /** The database's URL for the server, such as a proxy's. The default is the attack's. */
  readonly databaseUrl?: string;
  /** Environment variables that are added or replaced. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of another release, from test/support/release.ts. The default is this checkout. */
  readonly release?: string;
  /** The default is 0: any free port. */
  readonly port?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds from the signal until the process's end. */
  readonly ms: number;
}

/** The server in its own process, as `regulars serve` runs it. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exited: Promise<Omit<Exit, "ms">>;
  #url = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#keep(text));
    }
  }

  /** Resolves when it listens. @throws with its output if it ends instead */
  static async start(databaseUrl: string, options: ServerOptions = {}): Promise<ServerProcess> {
    const { PATH = "" } = process.env;
    const { release } = options;
    const child = spawn(process.execPath, ["--expose-gc", ...nodeParameters(SCRIPT, release)], {
      ...(release !== undefined && { cwd: release }),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // The server has its own process group, so Ctrl-C reaches only the attack. The attack stops its servers.
      detached: true,
      env: {
        PATH,
        DATABASE_URL: options.databaseUrl ?? databaseUrl,
        HOST: "127.0.0.1",
        PORT: String(options.port ?? 0),
        LOG_LEVEL: "warn",
        RECONCILE_SCHEDULE: "off",
        SQUARE_WEBHOOK_SIGNATURE_KEY: SIGNATURE_KEY,
        SQUARE_WEBHOOK_NOTIFICATION_URL: NOTIFICATION_URL,
        ADMIN_API_KEY: ADMIN_KEY,
        CRON_SECRET,
        ...options.env,
      },
    });
    const server = new ServerProcess(child);
    const told = once(child, "message").then(([message]) => message as { address: string });
    const first = await Promise.race([told, server.#exited]);
    if (!("address" in first)) throw new Error(`The server did not start: ${server.output.join("\n")}`);
    server.#url = first.address;
    return server;
  }

  /** Such as `http://127.0.0.1:41234`. */
  get url(): string {
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last two thousand lines of standard output and error. */
  get output(): readonly string[] {
    return this.#lines;
  }

  /** Bytes in use after a garbage collection. */
  async memory(): Promise<NodeJS.MemoryUsage> {
    const answer = once(this.#child, "message");
    this.#child.send("memory");
    const [{ memory }] = await answer;
    return memory;
  }

  /** Kills it as a crash does. It cannot clean up. */
  kill(): Promise<Exit> {
    return this.#end("SIGKILL");
  }

  /** Asks it to stop, and waits for its end. */
  stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<Exit> {
    return this.#end(signal);
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    const asked = performance.now();
    if (this.running) this.#child.kill(signal);
    return { ...(await this.#exited), ms: Math.round(performance.now() - asked) };
  }

  #keep(text: string): void {
    this.#lines.push(...text.split("\n").filter((line) => line !== ""));
    if (this.#lines.length > KEPT_LINES) this.#lines.splice(0, this.#lines.length - KEPT_LINES);
  }
}

/** The signature header of a body for the attacks' servers. */
export function signatureOf(body: string | Buffer): string {
  return signBody(SIGNATURE_KEY, NOTIFICATION_URL, body);
}
