/*
 * The parts of Postgres' wire protocol, version 3, that keep clients apart: where a message ends, which prepared
 * statement it names, and which state an answer leaves the session in.
 */

/** How many bytes a client may send before it waits for an answer. A larger query exhausts the engine's memory. */
export const UNANSWERED_LIMIT = 64 * 1024 * 1024;

const STARTUP_LIMIT = 10_000;
const PROTOCOL = 3;
const CANCEL = 80_877_102;
const SSL = 80_877_103;
const GSS = 80_877_104;

const KNOWN_TYPES = new Set("QPBDECHSFdcfXp");

/** A client broke the protocol. It is disconnected. */
export class ProtocolViolation extends Error {
  constructor(
    message: string,
    readonly sqlState = "08P01",
  ) {
    super(message);
  }
}

/** Splits the bytes that a client sends into messages. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #length = 0;

  get unread(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#length += chunk.byteLength;
  }

  /**
   * The next whole message, or undefined while it is incomplete.
   *
   * @param typed false for the messages that begin a connection: they have no type byte
   */
  next(typed: boolean): Buffer | undefined {
    const lengthAt = typed ? 1 : 0;
    const head = lengthAt + 4;
    if (this.#length < head) return undefined;
    const start = this.#first(head);
    const size = lengthAt + start.readInt32BE(lengthAt);
    if (typed && !KNOWN_TYPES.has(typeOf(start)))
      throw new ProtocolViolation("invalid frontend message type");
    if (size < head || size > (typed ? UNANSWERED_LIMIT : STARTUP_LIMIT)) {
      throw new ProtocolViolation("invalid message length");
    }
    if (this.#length < size) return undefined;
    const bytes = this.#first(size);
    this.#length -= size;
    this.#chunks[0] = bytes.subarray(size);
    return bytes.subarray(0, size);
  }

  /** A buffer that begins at the first unread byte and has at least `size` bytes. It copies only when it must. */
  #first(size: number): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= size) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

/** What a message that begins a connection asks for. */
export function startupRequest(message: Buffer): "session" | "encryption" | "cancel" {
  const code = message.length >= 8 ? message.readInt32BE(4) : 0;
  if (code === SSL || code === GSS) return "encryption";
  if (code === CANCEL) return "cancel";
  if (code >> 16 === PROTOCOL) return "session";
  throw new ProtocolViolation("unsupported frontend protocol");
}

/** Protocol 3.0, user postgres, database postgres. */
export function startupMessage(): Buffer {
  const body = Buffer.from("____\0\x03\0\0user\0postgres\0database\0postgres\0\0");
  body.writeInt32BE(body.length, 0);
  return body;
}

export function typeOf(message: Uint8Array): string {
  return String.fromCharCode(message[0] ?? 0);
}

export function message(type: string, ...body: (string | Uint8Array)[]): Buffer {
  const parts = body.map((part) => (typeof part === "string" ? Buffer.from(part) : part));
  const head = Buffer.from(`${type}____`);
  head.writeInt32BE(
    parts.reduce((length, part) => length + part.length, 4),
    1,
  );
  return Buffer.concat([head, ...parts]);
}

/** The error after which the connection ends. */
export function fatalError(text: string, sqlState: string): Buffer {
  return message("E", `SFATAL\0VFATAL\0C${sqlState}\0M${text}\0\0`);
}

/** The prepared statement that a Parse, Bind, Describe or Close is about; undefined for all other messages. */
export function statementNamed(frontend: Buffer): string | undefined {
  const range = nameRange(frontend);
  return range && frontend.toString("utf8", ...range);
}

/** The same message with another statement name. */
export function withStatementName(frontend: Buffer, name: string): Buffer {
  const [start, end] = nameRange(frontend) ?? [0, 0];
  return message(typeOf(frontend), frontend.subarray(5, start), name, frontend.subarray(end));
}

function nameRange(frontend: Buffer): [number, number] | undefined {
  const type = typeOf(frontend);
  if (type === "P") return [5, endOfString(frontend, 5)];
  if (type === "B") {
    const start = endOfString(frontend, 5) + 1;
    return [start, endOfString(frontend, start)];
  }
  const ofStatement = (type === "D" || type === "C") && frontend[5] === "S".charCodeAt(0);
  return ofStatement ? [6, endOfString(frontend, 6)] : undefined;
}

function endOfString(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(0, from);
  if (end === -1) throw new ProtocolViolation("invalid string in message");
  return end;
}

/** Reads an answer's messages. The answer may come in pieces of any size. */
export class AnswerScanner {
  /** How many Parse messages took effect. */
  parsed = 0;
  failed = false;
  /** Whether a `COPY ... FROM STDIN` has asked for data. */
  wantsData = false;
  /** The session's state in the last ReadyForQuery: I idle, T in a transaction, E in a failed transaction. */
  ready: string | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #skip = 0;

  push(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = this.#skip;
    // Every message has at least five bytes. ReadyForQuery has six, and its sixth is read.
    while (at + 5 <= bytes.length) {
      const type = bytes[at];
      if (type === 0x5a && at + 6 > bytes.length) break;
      if (type === 0x31) this.parsed += 1;
      else if (type === 0x45) this.failed = true;
      else if (type === 0x47) this.wantsData = true;
      else if (type === 0x5a) this.ready = String.fromCharCode(bytes[at + 5] ?? 0);
      at += 1 + bytes.readInt32BE(at + 1);
    }
    this.#skip = Math.max(at - bytes.length, 0);
    this.#rest = bytes.subarray(Math.min(at, bytes.length));
  }
}

/** The messages of a whole answer. */
export function messagesOf(answer: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0, end = 0; at < answer.length; at = end) {
    end = at + 1 + answer.readInt32BE(at + 1);
    messages.push(answer.subarray(at, end));
  }
  return messages;
}

/** The rows of an answer in text format. An SQL null becomes "". */
export function rowsOf(answer: Buffer): string[][] {
  return messagesOf(answer)
    .filter((row) => typeOf(row) === "D")
    .map((row) => columnsOf(row, 5));
}

function columnsOf(answer: Buffer, from: number): string[] {
  let at = from + 2;
  return Array.from({ length: answer.readInt16BE(from) }, () => {
    const start = at + 4;
    at = start + Math.max(answer.readInt32BE(at), 0);
    return answer.toString("utf8", start, at);
  });
}
