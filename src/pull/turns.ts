import type pg from "pg";
import { savePosition } from "../database/positions.js";
import { query } from "../database/query.js";
import { noteError } from "../errors.js";
import type { PullContext, PullOptions } from "./connect.js";
import { pullOrganization } from "./pull-organization.js";
import type { PullReport } from "./report.js";

/** An organization that waits to be pulled. */
export interface Turn {
  readonly organizationId: string;
  /** The start of its last pull. NULL when it was never pulled. */
  readonly lastBegunAt: Date | null;
  /** The start of its last pull that ran to its end. */
  readonly endedAt: string | null;
  /** The number of pulls in a row that did not run to their end. */
  readonly unfinished: number;
}

/** The task under which sync_positions keeps an organization's PullPosition. */
const TASK = "pull";

interface PullPosition {
  /** RFC 3339. */
  readonly ended_at: string | null;
  readonly unfinished: number;
}

/** This many unfinished pulls in a row are noted as an error. */
const TOO_MANY = 3;

/** An organization that was not pulled for so long is noted as an error. */
const TOO_LONG_MS = 24 * 60 * 60_000;

// Reads all organizations, which are few. Index: primary key of sync_positions.
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
 * The organizations that can be pulled. The one that has waited longest comes first, so a sweep continues where the
 * one before ran out of time.
 */
export async function turnsToPull(pool: pg.Pool): Promise<Turn[]> {
  const { rows } = await query<TurnRow>(pool, turnsStatement, [TASK]);
  return rows.map(({ id, position, updated_at }) => ({
    organizationId: id,
    lastBegunAt: updated_at,
    endedAt: position?.ended_at ?? null,
    unfinished: position?.unfinished ?? 0,
  }));
}

/**
 * Pulls one organization. If its pull ran out of time three times in a row, an error is noted.
 *
 * @returns whether the pull ran to its end
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
  // Saved before the pull. So a pull that kills the process counts too, and does not come first again.
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
        `${unfinished + 1} pulls in a row ran out of time before they had read all changes from Square. ` +
        `Run: regulars backfill --organization ${organizationId}`,
    });
  }
  return ended;
}

/** Notes that organizations were not pulled for a day, because pulling the others used up the time. */
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
      `${late.length} organization(s) were not pulled for a day. Sweep more often (RECONCILE_SCHEDULE), or give a sweep ` +
      "more time: regulars reconcile --time-budget SECONDS",
  });
}

/** Organizations pulled at the same time. Each has its own rate limit, so a slow one delays no other. */
export const PULLS_AT_ONCE = 4;

/** Runs the work for the items in order, at most `width` at once. After a failure it starts no further item. */
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
