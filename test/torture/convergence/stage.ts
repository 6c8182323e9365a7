/** Where stories are played: a database, servers that take events in, and the present. */
import { type Database, openDatabase } from "../../../src/database/database.js";
import { Inbox } from "../../../src/inbox/inbox.js";
import { silentLog } from "../../../src/log.js";
import { received } from "../../support/events.js";

export interface Stage {
  readonly database: Database;
  /** When the story begins, milliseconds since the epoch. */
  readonly storyStart: number;
  readonly clock: () => Date;
  /** Moves the present there, where that can be done; a process of its own has the machine's clock. */
  moveTo(instant: number): void;
  /** Delivers one event to a server, counted from 0. @returns how it ended there */
  deliver(server: number, event: unknown): Promise<string>;
}

const START = Date.parse("2026-03-03T15:00:00Z");

/** Servers are told apart by their connections and by how many events one transaction takes. */
const BATCHES = [64, 3, 1];

/**
 * Servers in this process, with a clock that the story moves.
 *
 * @param url of the database, for connections of each server's own; the embedded one has but one session
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
