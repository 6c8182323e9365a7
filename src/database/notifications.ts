import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";

/** How often the connection is checked, and how long it may take to answer, in milliseconds. */
const HEARTBEAT_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;

/** How long a stop waits for the connection's end, in milliseconds. */
const END_WITHIN_MS = 1_000;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** One channel for all servers of a database. */
const CHANNEL = "regulars_changes";

export interface Listener {
  /** @param payload what a session gave to `notify` */
  readonly onPayload: (payload: string) => void;
  /** The connection is back after it was lost: what was notified meanwhile is not known. */
  readonly onGap: () => void;
}

/** Listens on a connection of its own until it is stopped. */
export type Listen = (listener: Listener) => { stop(): Promise<void> };

/**
 * Postgres' LISTEN for messages between the servers of one database. A lost connection is opened again, after growing
 * waits. LISTEN needs a session, so it does not work through a pooler in transaction mode. The server refuses such a
 * pooler (src/operations/database-checks.ts).
 *
 * @param prepare sets up the session
 */
export function listenOnPostgres(
  config: pg.ClientConfig,
  prepare: (client: pg.ClientBase) => Promise<void>,
): Listen {
  return (listener) => {
    let stopped = false;
    let failures = 0;
    let known = false;
    let client: pg.Client | undefined;
    let timer: NodeJS.Timeout | undefined;

    const lose = (lost: pg.Client) => {
      if (lost !== client) return;
      client = undefined;
      clearTimeout(timer);
      // A broken connection may never report its end, so nothing waits for it.
      lost.end().catch(() => {});
      if (stopped) return;
      timer = setTimeout(connect, Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS)).unref();
      failures += 1;
    };

    const check = (current: pg.Client) => {
      timer = setTimeout(() => {
        current.query("select 1").then(
          () => check(current),
          () => lose(current),
        );
      }, HEARTBEAT_MS).unref();
    };

    const connect = async () => {
      const opened = new pg.Client({ ...config, query_timeout: ANSWER_WITHIN_MS });
      client = opened;
      opened.on("error", () => lose(opened));
      opened.on("end", () => lose(opened));
      opened.on("notification", ({ payload }) => listener.onPayload(payload ?? ""));
      try {
        await opened.connect();
        await prepare(opened);
        await opened.query(`listen ${CHANNEL}`);
        if (stopped) return;
        if (known) listener.onGap();
        known = true;
        failures = 0;
        check(opened);
      } catch {
        lose(opened);
      }
    };

    connect();
    return {
      async stop() {
        stopped = true;
        clearTimeout(timer);
        const ending = client?.end().catch(() => {});
        client = undefined;
        // A database that no longer answers must not keep the server from stopping.
        await Promise.race([ending, wait(END_WITHIN_MS, undefined, { ref: false })]);
      },
    };
  };
}

/** Postgres takes payloads of fewer than 8,000 bytes. */
export const LONGEST_PAYLOAD = 7_900;

/**
 * Sends payloads to all listeners. It must run outside of a transaction, because a transaction that notifies holds a
 * lock on the whole database while it commits.
 */
export async function notify(pool: pg.Pool, payloads: readonly string[]): Promise<void> {
  if (payloads.length === 0) return;
  await pool.query("select pg_notify($1, payload) from unnest($2::text[]) as p (payload)", [
    CHANNEL,
    payloads,
  ]);
}
