import type pg from "pg";
import { TransactionContended } from "../errors.js";
import type { Log } from "../log.js";
import { openPostgresPool } from "./database.js";
import { explainUnavailable, isLate, isUnavailable } from "./failures.js";
import { ownTables } from "./migrate.js";
import { Positions, readPrimary, readReplica, whyOther } from "./replica-position.js";

/** Up to how many seconds behind the primary a replica is read. */
export const MAX_LAG_SECONDS = 60;

const CHECK_EVERY_MS = 5_000;

/** Runs a read on the replica, or on the primary when there is no usable replica. */
export type ReadFrom = <Result>(read: (pool: pg.Pool) => Promise<Result>) => Promise<Result>;

/** The state of the replica at the last check. */
export interface ReplicaStatus {
  /** How far it is behind the primary. Null when that is unknown. */
  readonly lag_seconds: number | null;
  readonly reachable: boolean;
  /** Why the primary is read instead. Null when the replica is read. */
  readonly problem: string | null;
}

const NOT_CHECKED = "The replica was not checked yet";
const NOT_CAUGHT_UP = "The replica has not caught up with the primary since this process began";

/**
 * A streaming replica for reads that may be a little late. It is read only while the last check found it well:
 * reachable, a replica of the same database, and at most `MAX_LAG_SECONDS` behind. Otherwise the primary is read.
 *
 * It must also have held everything that the primary had when this process began. So it never lacks a migration that
 * this process made.
 */
export class Replica {
  readonly #primary: pg.Pool;
  readonly #pool: pg.Pool;
  /** One connection for the checks, so that long reports do not delay them. */
  readonly #probe: pg.Pool;
  readonly #tables: readonly string[];
  readonly #log: Log;
  readonly #maxLag: number;
  readonly #positions = new Positions();
  #status: ReplicaStatus = { lag_seconds: null, reachable: false, problem: NOT_CHECKED };
  #checking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: ReplicaOptions, pool: pg.Pool, probe: pg.Pool, tables: readonly string[]) {
    this.#primary = options.primary;
    this.#log = options.log;
    this.#maxLag = options.maxLagSeconds ?? MAX_LAG_SECONDS;
    this.#pool = pool;
    this.#probe = probe;
    this.#tables = tables;
  }

  /**
   * Opens the pools. They connect later, so the replica may be down now.
   *
   * @throws DatabaseUrlProblems
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { url, poolSize = 10, queryTimeoutMs } = options;
    const pool = await openPostgresPool(url, { poolSize, queryTimeoutMs });
    const probe = await openPostgresPool(url, { poolSize: 1, queryTimeoutMs });
    return new Replica(options, pool, probe, await ownTables());
  }

  get status(): ReplicaStatus {
    return this.#status;
  }

  /** A read that fails because the replica went away, or removed rows that it was reading, runs again on the primary. */
  readonly read: ReadFrom = async (read) => {
    if (this.#status.problem !== null) return read(this.#primary);
    try {
      return await read(this.#pool);
    } catch (error) {
      // What comes too late here would also be late on the primary, and would slow the webhooks.
      if (isLate(error)) throw error;
      if (isUnavailable(error))
        this.#judge({ lag_seconds: null, reachable: false, problem: unreached(error) });
      else if (!(error instanceof TransactionContended)) throw error;
      return read(this.#primary);
    }
  };

  /** Checks now, and then every five seconds. */
  start(): void {
    void this.check();
    this.#timer = setInterval(() => void this.check(), CHECK_EVERY_MS).unref();
  }

  /** Ends the checks and the connections. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking;
    await Promise.all([this.#pool.end(), this.#probe.end()]);
  }

  /** Compares the replica with the primary. When the primary does not answer, the last judgement stands. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    const askedAt = performance.now();
    const primary = await readPrimary(this.#primary).catch(() => undefined);
    if (!primary) return;
    try {
      const replica = await readReplica(this.#probe, this.#tables);
      const other = whyOther(primary, replica);
      if (other) return this.#judge({ lag_seconds: null, reachable: true, problem: other });
      const lag = this.#positions.lag(primary, replica, askedAt);
      this.#judge({ lag_seconds: lag, reachable: true, problem: this.#whyLate(lag) });
    } catch (error) {
      this.#judge({ lag_seconds: null, reachable: false, problem: unreached(error) });
    }
  }

  #whyLate(lag: number | null): string | null {
    if (lag !== null && lag > this.#maxLag) {
      return `The replica is more than ${this.#maxLag} s behind the primary`;
    }
    return this.#positions.caughtUp ? null : NOT_CAUGHT_UP;
  }

  #judge(status: ReplicaStatus): void {
    const before = this.#status.problem;
    this.#status = status;
    if (status.problem === before) return;
    if (status.problem === null) this.#log.info({}, "reports are read from the replica");
    else this.#log.warn({ reason: status.problem }, "reports are read from the primary");
  }
}

export interface ReplicaOptions {
  readonly primary: pg.Pool;
  /** DATABASE_READ_URL. */
  readonly url: string;
  readonly log: Log;
  readonly poolSize?: number | undefined;
  readonly queryTimeoutMs?: number | undefined;
  readonly maxLagSeconds?: number;
}

function unreached(error: unknown): string {
  const words = explainUnavailable(error) ?? "The database does not answer as a Postgres does.";
  return `The replica cannot be used. ${words.replaceAll("DATABASE_URL", "DATABASE_READ_URL")}`;
}
