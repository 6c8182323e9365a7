import type pg from "pg";

/** Which database this is. */
interface Identity {
  readonly database: string;
  readonly schema: string | null;
  /** The id that `initdb` gave the server's files. Replicas share it. Null when the role may not read it. */
  readonly system: string | null;
}

export interface PrimaryPosition extends Identity {
  /** How many bytes of log are on its disk. */
  readonly flushed: bigint;
  readonly now: Date;
}

export interface ReplicaPosition extends Identity {
  readonly is_replica: boolean;
  /** How many bytes of log it has replayed. Null when it never was a replica. */
  readonly replayed: bigint | null;
  /** When the last replayed transaction was committed, by the primary's clock. */
  readonly committed_at: Date | null;
  readonly role: string;
  /** A table that the role may not read. */
  readonly closed: string | null;
}

/** @throws when the primary does not answer, or does not write */
export async function readPrimary(pool: pg.Pool): Promise<PrimaryPosition> {
  const { rows } = await pool.query<Omit<PrimaryPosition, "system">>(
    `select current_database() as database, current_schema() as schema,
       (pg_current_wal_flush_lsn() - '0/0')::bigint as flushed, clock_timestamp() as now`,
  );
  return { ...(rows[0] as PrimaryPosition), system: await systemOf(pool) };
}

/** @throws when the replica does not answer */
export async function readReplica(pool: pg.Pool, tables: readonly string[]): Promise<ReplicaPosition> {
  const { rows } = await pool.query<Omit<ReplicaPosition, "system">>(
    `select current_database() as database, current_schema() as schema, pg_is_in_recovery() as is_replica,
       (pg_last_wal_replay_lsn() - '0/0')::bigint as replayed, pg_last_xact_replay_timestamp() as committed_at,
       current_user as role,
       (select min(tablename) from pg_tables where schemaname = current_schema() and tablename = any ($1)
          and not has_table_privilege(format('%I.%I', schemaname, tablename), 'select')) as closed`,
    [tables],
  );
  return { ...(rows[0] as ReplicaPosition), system: await systemOf(pool) };
}

const FORBIDDEN = "42501";

async function systemOf(pool: pg.Pool): Promise<string | null> {
  try {
    const { rows } = await pool.query<{ id: string }>(
      "select system_identifier::text as id from pg_control_system()",
    );
    return rows[0]?.id ?? null;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === FORBIDDEN) return null;
    throw error;
  }
}

/** Why reports cannot be read there, or undefined. */
export function whyOther(primary: PrimaryPosition, replica: ReplicaPosition): string | undefined {
  if (!replica.is_replica) return "DATABASE_READ_URL names a database that is not a replica";
  if (primary.system !== null && replica.system !== null && primary.system !== replica.system) {
    return "DATABASE_READ_URL names a replica of another server than DATABASE_URL";
  }
  if (primary.database !== replica.database) {
    return `DATABASE_READ_URL names database ${replica.database}, and DATABASE_URL names ${primary.database}`;
  }
  if (primary.schema !== replica.schema) {
    return `DATABASE_READ_URL leads to schema ${replica.schema}, and DATABASE_URL to ${primary.schema}`;
  }
  if (replica.closed === null) return undefined;
  return `Role ${replica.role} of DATABASE_READ_URL may not read table ${replica.closed}`;
}

/**
 * Measures how far a replica is behind. It compares positions in the log, because times alone mislead: on an idle
 * primary the last commit is old, and a replica that lost its primary believes that it has everything.
 */
export class Positions {
  /** A position of the primary that the replica has not reached yet, and when it was read. */
  #ahead: { readonly flushed: bigint; readonly at: number } | undefined;
  /** The replica holds everything that the primary had at this instant. */
  #heldAt: number | undefined;

  /** Whether the replica has reached a position that this process read from the primary. */
  get caughtUp(): boolean {
    return this.#heldAt !== undefined;
  }

  /**
   * Two bounds are known for a replica that is behind. It lacks nothing from before its last replayed commit, and
   * nothing from before the last position that it has reached. The smaller lag is told.
   *
   * @param at when the primary's position was read, in milliseconds of a monotonic clock
   * @returns seconds; null when neither bound is known
   */
  lag(primary: PrimaryPosition, { replayed, committed_at }: ReplicaPosition, at: number): number | null {
    const reached = replayed ?? -1n;
    if (reached >= primary.flushed) {
      this.#heldAt = at;
      this.#ahead = undefined;
      return 0;
    }
    if (this.#ahead && reached >= this.#ahead.flushed) {
      this.#heldAt = this.#ahead.at;
      this.#ahead = undefined;
    }
    this.#ahead ??= { flushed: primary.flushed, at };
    const bounds = [
      ...(committed_at ? [primary.now.getTime() - committed_at.getTime()] : []),
      ...(this.#heldAt === undefined ? [] : [at - this.#heldAt]),
    ];
    return bounds.length === 0 ? null : Math.round(Math.max(0, Math.min(...bounds)) / 100) / 10;
  }
}
