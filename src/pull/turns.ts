import type pg from "pg";
import { savePosition } from "../database/positions.js";
import { query } from "../database/query.js";
import { noteError } from "../errors.js";
import type { PullContext, PullOptions } from "./connect.js";
import { pullOrganization } from "./pull-organization.js";
import type { PullReport } from "./report.js";

/** An organization whose turn it is to be pulled. */
export interface Turn {
  readonly organizationId: string;
  /** When its last pull began; NULL when it has never been pulled. */
  readonly lastBegunAt: Date | null;
  /** When its last pull that came to its end began. */
  readonly endedAt: string | null;
  /** How many pulls in a row did not come to their end. */
  readonly unfinished: number;
}

/** Under this task an organization's position says how its pulls went. */
const TASK = "pull";

interface PullPosition {
  /** RFC 3339. */
  readonly ended_at: string | null;
  readonly unfinished: number;
}

/** So many pulls in a row without an end are no coincidence. */
const TOO_MANY = 3;

/** An organization that was not reached for so long is noted. */
const TOO_LONG_MS = 24 * 60 * 60_000;

// All organizations, which are few, and each one's position by its primary key.
const turnsStatement = {
  name: "organizations_to_pull",
  text: `
    select o.id, p.position, p.updated_at
    from organizations o
    left join sync_positions p on p.organization_id = o.id and p.task = $1
    where o.status = 'active' and o.access_token_ciphertext is not null
    order by p.updated_at nulls first, o.id`,
};

interface TurnRow {
  readonly id: string;
  readonly position: Partial<PullPosition> | null;
  readonly updated_at: Date | null;
}

/**
 * The organizations that can be pulled, the one that has waited longest first: where one sweep has no more time, the next goes
 * on.
 */
export async function turnsToPull(pool: pg.Pool): Promise<Turn[]> {
  const { rows } = await query<TurnRow & Record<string, unknown>>(pool, turnsStatement, [TASK]);
  return rows.map(({ id, position, updated_at }) => ({
    organizationId: id,
    lastBegunAt: updated_at,
    endedAt: position?.ended_at ?? null,
    unfinished: position?.unfinished ?? 0,
  }));
}

/**
 * Pulls one organization. A pull that was not given the time to end, three times in a row, is noted.
 *
 * @returns whether it came to its end
 * @throws only when the database is unavailable
 */
export async function takeTurn(
  context: PullContext,
  { organizationId, endedAt, unfinished }: Turn,
  options: PullOptions & { readonly report: PullReport },
): Promise<boolean> {
  const { database, clock } = context;
  const { errors } = options.report;
  const startedAt = clock();
  const save = (position: PullPosition) =>
    savePosition<PullPosition>(database.pool, organizationId, TASK, position, startedAt);
  // Before it begins, so that a pull that kills the process counts too and does not come first again.
  await save({ ended_at: endedAt, unfinished: unfinished + 1 });
  const before = errors.length;
  const ended = await pullOrganization(context, organizationId, options);
  if (ended) await save({ ended_at: startedAt.toISOString(), unfinished: 0 });
  const isNoted = errors.slice(before).some((error) => error.organization_id === organizationId);
  if (!ended && !isNoted && unfinished + 1 >= TOO_MANY) {
    noteError(errors, {
      organization_id: organizationId,
      step: "pull",
      code: "pull_unfinished",
      message:
        `${unfinished + 1} pulls in a row were given too little time to read what has changed at Square. ` +
        `Run: regulars backfill --organization ${organizationId}`,
    });
  }
  return ended;
}

/** Notes that organizations have waited for a day, because pulling the others takes all the time there is. */
export function noteNotReached(turns: readonly Turn[], report: PullReport, now: Date): void {
  const late = turns.filter(
    ({ lastBegunAt }) => lastBegunAt && now.getTime() - lastBegunAt.getTime() > TOO_LONG_MS,
  );
  if (late.length === 0) return;
  noteError(report.errors, {
    organization_id: null,
    step: "pull",
    code: "pull_behind",
    message:
      `${late.length} organization(s) were not asked about for a day. Sweep more often (RECONCILE_SCHEDULE), or give a sweep ` +
      "more time: regulars reconcile --time-budget SECONDS",
  });
}

/** Organizations that Square is asked about at the same time: each waits for its own rate, and one that is slow keeps no other. */
export const PULLS_AT_ONCE = 4;

/** Runs work over the items in their order, at most so many at once. After a failure nothing more is begun. */
export async function inTurns<Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (const item of queue) {
      if (failure) return;
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failure) throw failure.error;
}
