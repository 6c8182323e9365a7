import {
  fatalError,
  MessageReader,
  ProtocolViolation,
  startupRequest,
  statementNamed,
  typeOf,
  UNANSWERED_LIMIT,
  withStatementName,
} from "./protocol.js";

/** Where a client's answers go. */
export interface Wire {
  send(bytes: Uint8Array): void;
  /** Ends the connection after what was sent. */
  end(): void;
}

/** How long a client may make the others wait, in milliseconds. */
export interface Patience {
  /** How long a client may be silent within a transaction. */
  readonly idleMs: number;
  readonly transactionMs: number;
}

/** A client's prepared statement. The session keeps it under a name that is unique to the client. */
export interface PreparedStatement {
  readonly name: string;
  readonly parse: Buffer;
}

/** Messages that run without a pause: a query, or an extended query up to its Sync or Flush. */
export interface Batch {
  readonly messages: readonly Buffer[];
  readonly bytes: number;
}

const ENDS_BATCH = new Set("QSHF");
/** Data of a refused COPY, and a password that was not requested. Postgres ignores these too. */
const IGNORED = new Set("dcfp");

let clients = 0;

/**
 * One client of the embedded database. All clients share one session, but each has its own prepared statements and
 * settings. Statement names are translated, and settings are kept between the client's transactions.
 */
export class Client {
  readonly statements = new Map<string, PreparedStatement>();
  /** What its transactions have set in the session, as pairs of name and value. */
  settings: readonly string[][] = [];
  gone = false;
  readonly #id: number;
  readonly #reader = new MessageReader();
  readonly #batches: Batch[] = [];
  #messages: Buffer[] = [];
  #unanswered = 0;
  #started = false;
  #prepared = 0;

  constructor(
    readonly kind: "server" | "guest",
    readonly wire: Wire,
    readonly patience: Patience,
    private readonly greeting: Uint8Array,
  ) {
    clients += 1;
    this.#id = clients;
  }

  /** Takes the bytes that the client sent. A client that breaks the protocol is disconnected. */
  receive(chunk: Uint8Array): void {
    if (this.gone) return;
    try {
      this.#reader.push(chunk);
      for (let next = this.#reader.next(this.#started); next; next = this.#reader.next(this.#started)) {
        if (this.#started) this.#take(next);
        else this.#start(next);
        if (this.gone) return;
      }
      if (this.#unanswered + this.#reader.unread > UNANSWERED_LIMIT) {
        throw new ProtocolViolation("too many bytes without waiting for an answer", "54000");
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.dismiss(error.message, error.sqlState);
    }
  }

  get waits(): boolean {
    return !this.gone && this.#batches.length > 0;
  }

  nextBatch(): Batch | undefined {
    const batch = this.#batches.shift();
    this.#unanswered -= batch?.bytes ?? 0;
    return batch;
  }

  /** Ends the connection and says why. */
  dismiss(reason: string, sqlState: string): void {
    if (this.gone) return;
    this.wire.send(fatalError(reason, sqlState));
    this.end();
  }

  end(): void {
    this.gone = true;
    this.wire.end();
  }

  /** Records the statement of a Parse message under a name that is new to the session. */
  prepare(named: string, parse: Buffer): PreparedStatement {
    this.#prepared += 1;
    const name = named === "" ? "" : `${this.#id}:${this.#prepared}`;
    const statement = { name, parse: withStatementName(parse, name) };
    this.statements.set(named, statement);
    return statement;
  }

  /**
   * A name for a statement that this client has not prepared. No statement has it, so no other client's is reached.
   */
  unknownName(named: string): string {
    return `${this.#id}_${named}`;
  }

  #start(request: Buffer): void {
    const wanted = startupRequest(request);
    if (wanted === "cancel") this.end();
    else if (wanted === "encryption") this.wire.send(Buffer.from("N"));
    else {
      this.#started = true;
      this.wire.send(this.greeting);
    }
  }

  #take(next: Buffer): void {
    const type = typeOf(next);
    if (type === "X") this.end();
    if (type === "X" || IGNORED.has(type)) return;
    // Checks the name now, before the client's turn, so that a malformed one does not make the others wait.
    statementNamed(next);
    this.#messages.push(next);
    this.#unanswered += next.length;
    if (!ENDS_BATCH.has(type)) return;
    const bytes = this.#messages.reduce((sum, { length }) => sum + length, 0);
    this.#batches.push({ messages: this.#messages, bytes });
    this.#messages = [];
  }
}
