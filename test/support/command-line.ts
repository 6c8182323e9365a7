import { execFile } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { afterAll, inject, vi } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import { migratedDataDir, openTestDatabase } from "./database.js";
import { databaseUrl } from "./database-url.js";
import { COMPILED, nodeParameters } from "./program.js";

// Each run of the program in this process adds a listener to its output.
for (const output of [process.stdout, process.stderr]) output.setMaxListeners(0);

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

/** A test's command reads only `env`. A variable that is set, even to nothing, wins over a developer's .env file. */
const environment = (env: Environment) => ({
  PATH: process.env.PATH ?? "",
  DATABASE_URL: "",
  DATA_DIR: "",
  [COMPILED]: process.env[COMPILED] ?? "",
  ...env,
});

/** Runs `regulars ...` in its own process. The start takes seconds, so this is only for tests that need a process. */
export function regularsProcess(env: Environment, ...parameters: string[]): Promise<Ended> {
  return startRegulars(env, ...parameters).ended;
}

export interface Started {
  readonly ended: Promise<Ended>;
  /** The text on stderr that matches, as soon as it is written. Rejects if the process ends before. */
  printed(pattern: RegExp): Promise<string>;
}

/** Starts `regulars ...` in its own process. */
export function startRegulars(env: Environment, ...parameters: string[]): Started {
  const command = [...nodeParameters("src/main.ts"), ...parameters];
  const options = { env: environment(env), timeout: 170_000 };
  let isOver = false;
  let written = "";
  const news = new EventEmitter();
  const ended = new Promise<Ended>((resolve) => {
    const child = execFile(process.execPath, command, options, (error, stdout, stderr) => {
      isOver = true;
      news.emit("news");
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
    child.stderr?.on("data", (chunk) => {
      written += chunk;
      news.emit("news");
    });
  });
  const printed = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(written)?.[0];
      if (found !== undefined) return found;
      if (isOver) throw new Error(`It ended without ${pattern}: ${written}`);
      await once(news, "news");
    }
  };
  return { ended, printed };
}

/** Runs `regulars ...` in this process, from its parameters to its exit code. One run follows the other. */
export function regulars(env: Environment, ...parameters: string[]): Promise<Ended> {
  return regularsReading("", env, ...parameters);
}

let lastRun: Promise<unknown> = Promise.resolve();

/** The same with a text on standard input. */
export function regularsReading(input: string, env: Environment, ...parameters: string[]): Promise<Ended> {
  const run = lastRun.then(() => runHere(input, env, parameters));
  lastRun = run.catch(() => {});
  return run;
}

let runs = 0;

async function runHere(input: string, env: Environment, parameters: readonly string[]): Promise<Ended> {
  const ended = { code: 0, stdout: "", stderr: "" };
  let exited = false;
  const before = { env: process.env, argv: process.argv, exitCode: process.exitCode };
  const signals = (["SIGINT", "SIGTERM"] as const).map((name) => [name, process.listeners(name)] as const);
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((chunk) => {
      if (!exited) ended[name] += chunk;
      return true;
    });
  }
  vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([input]) as typeof process.stdin);
  vi.spyOn(process, "exit").mockImplementation((code) => {
    ended.code = Number(code ?? 0);
    exited = true;
    throw new Error("the process has ended");
  });
  try {
    process.env = environment(env);
    process.argv = [process.execPath, "src/main.ts", ...parameters];
    process.exitCode = undefined;
    runs += 1;
    // A module runs again when its address is another one.
    await import(/* @vite-ignore */ `../../src/main.ts?run=${runs}`);
    return exited ? ended : { ...ended, code: Number(process.exitCode ?? 0) };
  } finally {
    vi.restoreAllMocks();
    Object.assign(process, before);
    process.exitCode = before.exitCode;
    for (const [name, listeners] of signals) {
      for (const added of process.listeners(name)) {
        if (!listeners.includes(added)) process.off(name, added);
      }
    }
  }
}

/** A migrated test database, and the environment in which commands find it. This process owns an embedded one. */
export async function openForCommands(): Promise<{ database: Database; env: Environment }> {
  if (inject("databasePrefix") === undefined) {
    const dataDir = await migratedDataDir();
    const database = await openDatabase({ dataDir, role: "server" });
    afterAll(() => database.close());
    return { database, env: { DATA_DIR: dataDir } };
  }
  const database = await openTestDatabase();
  const { rows } = await database.pool.query("select current_database() as name");
  return { database, env: { DATABASE_URL: databaseUrl(rows[0].name) } };
}
