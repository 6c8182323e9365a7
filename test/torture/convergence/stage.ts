/** Where stories are played: a database, servers that receive events, and a clock. */
import { type Database, openDatabase } from "../../../src/database/database.js";
import { Inbox } from "../../../src/inbox/inbox.js";
import { silentLog } from "../../../src/log.js";
import { received } from "../../support/events.js";

export interface Stage {
  readonly database: Database;
  /** The start of the story, in milliseconds since the epoch. */
  readonly storyStart: number;
  readonly clock: () => Date;
  /** Moves the clock. It has no effect on servers in separate processes, which use the machine's clock. */
  moveTo(instant: number): void;
  /** Delivers one event to a server. The first server is 0. @returns its outcome */
  deliver(server: number, event: unknown): Promise<string>;
}

const START = Date.parse("2026-03-03T15:00:00Z");

/** The most events in a transaction of each server. */
const BATCHES = [64, 3, 1];

/**
 * Opens servers in this process. The story moves their clock.
 *
 * @param url the database's URL. With it each server has its own connections. Without it they share `database`.
 */
export async function openStage(
  database: Database,
  url?: string,
): Promise<Stage & { close(): Promise<void> }> {
  let now = START;
  const clock = () => new Date(now);
  const databases = await Promise.all(
    BATCHES.map(() =>
      url ? openDatabase({ databaseUrl: url, dataDir: "", role: "server", poolSize: 3 }) : database,
    ),
  );
  const inboxes = databases.map(
    (own, index) =>
      new Inbox({
        database: own,
        clock,
        log: silentLog,
        maxBatch: BATCHES[index] as number,
      }),
  );
  return {
    database,
    storyStart: START,
    clock,
    moveTo(instant) {
      now = instant;
    },
    deliver: (server, event) => (inboxes[server % inboxes.length] as Inbox).receive(received(event)),
    async close() {
      await Promise.all(inboxes.map((inbox) => inbox.close()));
      if (url) await Promise.all(databases.map((own) => own.close()));
    },
  };
}
