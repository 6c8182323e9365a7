import { PGlite } from "@electric-sql/pglite";
import { SESSION_PARAMETERS } from "../session.js";
import { DurableFiles } from "./durable-files.js";

const START_PARAMETERS = [
  // PGlite's own, without its -F: that switch turns fsync off, and a commit must survive a power cut.
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
  // fdatasync, the default, never leaves PGlite; fsync reaches its files.
  ...["-c", "wal_sync_method=fsync"],
  ...SESSION_PARAMETERS,
];

const MESSAGES_BEFORE_SYNC = new Set(Array.from("PBDECH", (type) => type.charCodeAt(0)));

const SYNC = Uint8Array.of("S".charCodeAt(0), 0, 0, 0, 4);

/** Protocol 3.0, user postgres, database postgres. */
const STARTUP = startupPacket("user", "postgres", "database", "postgres");

/**
 * PGlite, made fit to be shared by the clients of pglite-socket:
 *
 * - One client's query is never cut in two by another's. The socket server holds a client's turn only while
 *   `isInTransaction()`; but an extended query is several messages, and one with large parameters arrives in several
 *   pieces. Without the override below, a client was seen getting the answer to another client's parameters.
 * - Every client starts as the one user of the one database. PGlite takes a startup packet that Postgres would refuse
 *   for a reason to shut down, and does not answer anybody any more.
 * - A commit is on the disk when it is acknowledged: see DurableFiles.
 */
export class Cluster extends PGlite {
  /** Within an extended query: some of its messages were run, its Sync was not. */
  #inQuery = false;

  /** Opens the database in the folder; makes it when there is none. */
  static async open(clusterDir: string): Promise<Cluster> {
    const cluster = new Cluster({ fs: new DurableFiles(clusterDir), startParams: START_PARAMETERS });
    await cluster.waitReady;
    return cluster;
  }

  override isInTransaction(): boolean {
    return this.#inQuery || super.isInTransaction();
  }

  override async execProtocolRawStream(
    message: Uint8Array,
    options: Parameters<PGlite["execProtocolRawStream"]>[1],
  ): Promise<void> {
    this.#inQuery = MESSAGES_BEFORE_SYNC.has(message[0] ?? 0);
    try {
      await super.execProtocolRawStream(message[0] === 0 ? STARTUP : message, options);
    } catch (error) {
      // PGlite answers a wrong statement; what it throws at has broken it. The socket server's queue would stop for
      // all its clients without a word, so this ends the worker instead.
      setImmediate(() => {
        throw error;
      });
      throw error;
    }
  }

  /** The socket server rolls back through this when a client vanished; an unfinished query is finished first. */
  override async exec(...parameters: Parameters<PGlite["exec"]>): ReturnType<PGlite["exec"]> {
    if (this.#inQuery) {
      this.#inQuery = false;
      await this.runExclusive(() => this.execProtocolRaw(SYNC));
    }
    return super.exec(...parameters);
  }
}

function startupPacket(...parameters: string[]): Uint8Array {
  const body = Buffer.from(`${parameters.map((parameter) => `${parameter}\0`).join("")}\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt16BE(3, 4);
  return Buffer.concat([head, body]);
}
