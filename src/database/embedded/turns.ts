import { setImmediate as letOthersIn } from "node:timers/promises";
import type { Batch, Client, PreparedStatement } from "./client.js";
import { statementNamed, typeOf, withStatementName } from "./protocol.js";
import type { Session } from "./session.js";

/**
 * The clients take turns in the one session. A turn lasts from a client's first message to the end of its
 * transaction. What a guest has set, locked, created for the session or prepared is undone at the end of its turn. So
 * the next client finds the session as the server's clients left it.
 */
export class Turns {
  readonly #waiting = new Set<Client>();
  #holder: Client | undefined;
  #heldSince = 0;
  #guestWasLast = false;
  #running = false;
  #stopped = false;
  #idle: NodeJS.Timeout | undefined;
  #left: PreparedStatement[] = [];

  /** @param guestRuns is called with true when the engine begins to work for a guest, and with false when it ends */
  constructor(
    private readonly session: Session,
    private readonly guestRuns: (running: boolean) => void,
  ) {}

  /** Must be called when a client has sent something or has gone. */
  notice(client: Client): void {
    if (client.waits) this.#waiting.add(client);
    if (client.gone) this.#leave(client);
    if (this.#running || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  /** Starts no further batch. */
  stop(): void {
    this.#stopped = true;
  }

  /** Does not handle rejections: a broken engine ends the thread. */
  async #run(): Promise<void> {
    while (!this.#stopped) {
      const holder = this.#holder;
      if (holder?.gone) await this.#end(holder);
      else if (this.#left.length > 0 && !holder) await this.session.close(this.#left.splice(0));
      else {
        const next = holder ?? this.#next();
        const batch = next?.nextBatch();
        if (!next || !batch) break;
        await this.#serve(next, batch);
      }
      await letOthersIn();
    }
    this.#running = false;
  }

  /** Server and guests alternate. So each waits for at most one turn of the other. */
  #next(): Client | undefined {
    const waiting = [...this.#waiting];
    const preferred = this.#guestWasLast ? "server" : "guest";
    return waiting.find(({ kind }) => kind === preferred) ?? waiting[0];
  }

  async #serve(client: Client, batch: Batch): Promise<void> {
    clearTimeout(this.#idle);
    if (client.kind === "guest") this.guestRuns(true);
    if (this.#holder !== client) {
      this.#holder = client;
      this.#heldSince = Date.now();
      await this.session.apply(client.settings);
    }
    await this.#exchange(client, batch);
    // Puts the client behind the others if it has sent more.
    this.#waiting.delete(client);
    if (client.waits) this.#waiting.add(client);
    if (client.gone || !this.session.open) await this.#end(client);
    else this.#waitFor(client);
    this.guestRuns(false);
  }

  async #exchange(client: Client, { messages }: Batch): Promise<void> {
    const missing: PreparedStatement[] = [];
    const parsed: PreparedStatement[] = [];
    const translated = messages.map((next) => {
      const type = typeOf(next);
      const named = statementNamed(next);
      if (type === "Q") this.session.forgetUnnamed();
      if (named === undefined) return next;
      let statement = client.statements.get(named);
      const isHeld = statement !== undefined && this.session.holds(statement);
      if (type === "P" && (named === "" || !isHeld)) {
        statement = client.prepare(named, next);
        parsed.push(statement);
      } else if (type === "C") {
        client.statements.delete(named);
        if (statement) this.session.forget(statement);
      } else if (statement && !isHeld && !parsed.includes(statement)) missing.push(statement);
      return withStatementName(next, statement?.name ?? client.unknownName(named));
    });
    const send = (bytes: Uint8Array) => client.wire.send(bytes);
    if (missing.length > 0) await this.session.prepare(missing, send);
    const answer = await this.session.run(translated, send);
    for (const statement of parsed.slice(0, answer.parsed)) this.session.holdsNow(statement);
  }

  /** Limits an open transaction, because all other clients wait for it. The limits depend on the client. */
  #waitFor(client: Client): void {
    const { idleMs, transactionMs } = client.patience;
    const othersWait = this.#waiting.size > (client.waits ? 1 : 0);
    if (othersWait && Date.now() - this.#heldSince > transactionMs) {
      client.dismiss("terminating connection due to transaction timeout", "25P04");
    } else if (!client.waits) {
      this.#idle = setTimeout(() => {
        client.dismiss("terminating connection due to idle-in-transaction timeout", "25P03");
        this.notice(client);
      }, idleMs);
    }
  }

  async #end(client: Client): Promise<void> {
    clearTimeout(this.#idle);
    await this.session.rollback();
    if (client.kind === "guest") {
      this.guestRuns(true);
      if (!client.gone) client.settings = await this.session.settings();
      await this.session.reset();
      this.guestRuns(false);
    }
    this.#guestWasLast = client.kind === "guest";
    this.#holder = undefined;
    if (client.gone) this.#leave(client);
  }

  #leave(client: Client): void {
    this.#waiting.delete(client);
    if (this.#holder === client) return;
    this.#left.push(...client.statements.values());
    client.statements.clear();
  }
}
