import { execFile } from "node:child_process";
import { afterAll, inject } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import { migratedDataDir, openTestDatabase } from "./database.js";
import { databaseUrl } from "./database-url.js";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

/** Runs `regulars ...` as a process of its own, with no other configuration than `env`. */
export function regulars(env: Environment, ...parameters: string[]): Promise<Ended> {
  return regularsReading("", env, ...parameters);
}

/** The same, with something to read on standard input. */
export function regularsReading(input: string, env: Environment, ...parameters: string[]): Promise<Ended> {
  const { PATH = "" } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["--import", "tsx", "src/main.ts", ...parameters],
      // Set, if only to nothing, it wins over a developer's .env file.
      { env: { PATH, DATABASE_URL: "", DATA_DIR: "", ...env }, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

/** A migrated test database, and the environment in which commands find it; an embedded one is owned by this process. */
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
