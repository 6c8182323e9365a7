/** The databases of a run. They are copies of one migrated template, and are dropped after their attack. */
import type pg from "pg";
import { type Database, openDatabase } from "../../../src/database/database.js";
import { migrate } from "../../../src/database/migrate.js";
import { onSameServer, runStatements } from "../../support/database-url.js";

const HOUR_MS = 3_600_000;
const PREFIX = "regulars_torture";

/** TEST_DATABASE_URL, or the local server. Its user must be allowed to create databases. */
export function adminUrl(): string {
  return process.env.TEST_DATABASE_URL || "postgresql://postgres@127.0.0.1:5432/postgres";
}

export interface AttackDatabase {
  readonly name: string;
  readonly url: string;
  /** The attack's own connection, beside the server's. */
  readonly database: Database;
}

/** Makes migrated databases for attacks. Without a given template it makes one, and `remove` drops it. */
export class Databases {
  readonly #prefix = `${PREFIX}_${Date.now().toString(36)}_${process.pid}`;
  readonly #given: string | undefined;
  #own: Promise<string> | undefined;
  #copies = 0;

  /** @param template the name of a migrated database that nobody is connected to */
  constructor(template?: string) {
    this.#given = template;
  }

  async open(): Promise<AttackDatabase & { remove(): Promise<void> }> {
    const template = this.#given ?? (await this.#ownTemplate());
    this.#copies += 1;
    const name = `${this.#prefix}_${this.#copies}`;
    await asAdmin(`create database ${name} template ${template}`);
    const url = databaseUrl(name);
    const database = await openDatabase({ databaseUrl: url, dataDir: "", role: "command" });
    const remove = async () => {
      await database.close();
      await asAdmin(`drop database if exists ${name} with (force)`);
    };
    return { name, url, database, remove };
  }

  async remove(): Promise<void> {
    if (this.#own) await asAdmin(`drop database if exists ${await this.#own} with (force)`);
  }

  #ownTemplate(): Promise<string> {
    this.#own ??= makeTemplate(`${this.#prefix}_template`);
    return this.#own;
  }
}

async function makeTemplate(name: string): Promise<string> {
  await dropLeftovers();
  await asAdmin(`create database ${name}`);
  const database = await openDatabase({ databaseUrl: databaseUrl(name), dataDir: "", role: "command" });
  await migrate(database);
  await database.close();
  return name;
}

/** The address of another database on the same server. */
export function databaseUrl(name: string): string {
  return onSameServer(adminUrl(), name);
}

export async function asAdmin(statement: string): Promise<pg.QueryResult> {
  const [result] = await runStatements(adminUrl(), statement);
  return result as pg.QueryResult;
}

/** Drops databases of killed runs. No running attack is a day old. */
async function dropLeftovers(): Promise<void> {
  const { rows } = await asAdmin(`select datname from pg_database where datname like '${PREFIX}\\_%'`);
  for (const { datname } of rows) {
    const startedAt = Number.parseInt(datname.split("_")[2] ?? "", 36);
    if (startedAt < Date.now() - 24 * HOUR_MS) {
      await asAdmin(`drop database if exists ${datname} with (force)`);
    }
  }
}
