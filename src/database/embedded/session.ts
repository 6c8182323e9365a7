import type { PGlite } from "@electric-sql/pglite";
import type { PreparedStatement } from "./client.js";
import { AnswerScanner, message, messagesOf, rowsOf, startupMessage, typeOf } from "./protocol.js";

const SYNC = message("S");

/**
 * CopyFail. It ends a COPY that waits for data. Without it, PGlite takes the missing data for the end of all input
 * and exits. Postgres ignores the message when no COPY waits.
 */
const NO_DATA = message("f", "COPY FROM STDIN does not work on the embedded database: use INSERT\0");

const SETTINGS = `select name, setting from pg_catalog.pg_settings
  where source = 'session' and context in ('user', 'superuser')`;

/**
 * What DISCARD ALL does, except that it keeps prepared statements, because most of them are the server's. It names
 * the user, because PGlite has no default user to return to. That resets the role too.
 */
const RESET = `set session authorization postgres; reset all; close all; unlisten *;
  select pg_catalog.pg_advisory_unlock_all(); discard temp; discard sequences`;

const PREPARED = "select name, from_sql from pg_prepared_statements";

/** PGlite's only session. */
export class Session {
  /** Whether a transaction is open, or an extended query whose Sync has not come. */
  open = false;
  readonly #prepared = new Map<string, PreparedStatement>();
  #unnamed: PreparedStatement | undefined;

  constructor(private readonly engine: PGlite) {}

  /** The messages that a client gets when it connects. */
  async greeting(): Promise<Buffer> {
    return this.#collect(startupMessage());
  }

  /** Runs messages and passes on what they answer. */
  async run(messages: readonly Uint8Array[], send: (answer: Uint8Array) => void): Promise<AnswerScanner> {
    const answer = await this.#exchange(Buffer.concat([...messages, NO_DATA]), send);
    // After a failed COPY in an extended query, Postgres skips everything up to the next Sync. The query's own Sync
    // was read as data of the COPY.
    if (answer.wantsData && answer.ready === undefined) await this.#exchange(SYNC, send);
    return answer;
  }

  /** Prepares statements again that the session has lost, and sends their errors. */
  async prepare(statements: readonly PreparedStatement[], send: (error: Uint8Array) => void): Promise<void> {
    const messages = statements.flatMap(({ name, parse }) =>
      name === "" ? [parse] : [closing(name), parse],
    );
    const chunks: Uint8Array[] = [];
    const { parsed } = await this.#exchange(Buffer.concat(messages), (chunk) => chunks.push(chunk));
    for (const statement of statements.slice(0, parsed)) this.holdsNow(statement);
    for (const answer of messagesOf(Buffer.concat(chunks))) if (typeOf(answer) === "E") send(answer);
  }

  /** Closes those of a client's statements that the session still holds. */
  async close(statements: readonly PreparedStatement[]): Promise<void> {
    const held = statements.filter((statement) => this.holds(statement));
    for (const statement of held) this.forget(statement);
    await this.#collect(Buffer.concat([...held.map(({ name }) => closing(name)), SYNC]));
  }

  holds(statement: PreparedStatement): boolean {
    return statement.name === ""
      ? this.#unnamed === statement
      : this.#prepared.get(statement.name) === statement;
  }

  holdsNow(statement: PreparedStatement): void {
    if (statement.name === "") this.#unnamed = statement;
    else this.#prepared.set(statement.name, statement);
  }

  forget(statement: PreparedStatement): void {
    if (statement.name === "") this.#unnamed = undefined;
    else this.#prepared.delete(statement.name);
  }

  /** A simple query replaces the unnamed statement. */
  forgetUnnamed(): void {
    this.#unnamed = undefined;
  }

  /** The settings that differ from a new session's, as pairs of name and value. */
  async settings(): Promise<string[][]> {
    return (await this.#select(SETTINGS)) ?? [];
  }

  async apply(settings: readonly string[][]): Promise<void> {
    if (settings.length === 0) return;
    const calls = settings.map((pair) => `set_config(${pair.map(literal).join(", ")}, false)`);
    await this.#select(`select ${calls.join(", ")}`);
  }

  /** Rolls back the open transaction, if there is one. */
  async rollback(): Promise<void> {
    if (!this.open) return;
    await this.#collect(SYNC);
    await this.#collect(message("Q", "rollback\0"));
  }

  /** Resets the session to its start. Statements prepared by the protocol stay. Those made with PREPARE go. */
  async reset(): Promise<void> {
    if ((await this.#select(RESET)) === undefined) throw new Error("The session cannot be reset");
    const left = (await this.#select(PREPARED)) ?? [];
    const foreign = left.filter(([, fromSql]) => fromSql === "t");
    for (const [name = ""] of foreign) await this.#select(`deallocate "${name.replaceAll('"', '""')}"`);
    const kept = new Set(left.filter(([, fromSql]) => fromSql === "f").map(([name]) => name));
    for (const name of this.#prepared.keys()) if (!kept.has(name)) this.#prepared.delete(name);
  }

  /** The rows, or undefined when the statement failed. */
  async #select(sql: string): Promise<string[][] | undefined> {
    this.forgetUnnamed();
    const chunks: Buffer[] = [];
    const { failed } = await this.#exchange(message("Q", `${sql}\0`), (chunk) =>
      chunks.push(Buffer.from(chunk)),
    );
    return failed ? undefined : rowsOf(Buffer.concat(chunks));
  }

  async #collect(bytes: Uint8Array): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    await this.#exchange(bytes, (chunk) => chunks.push(chunk));
    return Buffer.concat(chunks);
  }

  async #exchange(bytes: Uint8Array, send: (answer: Uint8Array) => void): Promise<AnswerScanner> {
    const answer = new AnswerScanner();
    await this.engine.execProtocolRawStream(bytes, {
      onRawData: (view) => {
        // A copy, because the engine reuses this memory.
        const chunk = view.slice();
        answer.push(Buffer.from(chunk.buffer));
        send(chunk);
      },
    });
    this.open = answer.ready === undefined ? this.open || bytes[0] !== 0 : answer.ready !== "I";
    return answer;
  }
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function closing(name: string): Buffer {
  return message("C", `S${name}\0`);
}
