/** The survivor of each merged id. */
import type { CustomerAliasRow } from "./facts.js";

/** One report of a merge: the source's deletion (with its version) or the survivor's creation (with the time). */
export interface MergeEvidence {
  readonly from: string;
  readonly to: string;
  readonly deletedVersion: bigint | null;
  readonly mergedAt: bigint | null;
  /** The time of the source's deletion. */
  readonly endedAt?: bigint | null;
}

/** A profile with creation_source UNMERGE_RECOVERY: the merge of this customer was undone. */
export interface RecoveryEvidence {
  readonly id: string;
  /** NULL for a profile without a version. */
  readonly version: bigint | null;
  readonly recoveredAt: bigint;
}

/**
 * Every merged id with the last survivor of its chain. A recovery of the source undoes each earlier merge: it has a
 * higher version than the deletion, or a later time than the merge.
 */
export function resolveAliases(
  merges: readonly MergeEvidence[],
  recoveries: readonly RecoveryEvidence[],
): CustomerAliasRow[] {
  const standing = new Map<string, string>();
  for (const { from } of merges) {
    const undone = recoveries.filter((recovery) => recovery.id === from);
    const targets = new Set(merges.filter((merge) => merge.from === from).map((merge) => merge.to));
    for (const to of targets) {
      const tellings = merges.filter((merge) => merge.from === from && merge.to === to);
      const isUndone = undone.some((recovery) => tellings.some((telling) => comesAfter(recovery, telling)));
      if (isUndone) continue;
      const other = standing.get(from);
      if (other !== undefined && other !== to) throw new Error(`${from} merged into both ${other} and ${to}`);
      standing.set(from, to);
    }
  }
  return [...standing.keys()].map((from) => ({
    from_customer_id: from,
    to_customer_id: lastSurvivor(standing, from),
  }));
}

function comesAfter(recovery: RecoveryEvidence, merge: MergeEvidence): boolean {
  if (merge.deletedVersion !== null && recovery.version !== null)
    return recovery.version > merge.deletedVersion;
  const time = merge.mergedAt ?? merge.endedAt ?? null;
  return time !== null && recovery.recoveredAt > time;
}

function lastSurvivor(standing: ReadonlyMap<string, string>, id: string): string {
  const seen = new Set<string>();
  let current = id;
  for (let next = standing.get(current); next !== undefined; next = standing.get(current)) {
    if (seen.has(current)) throw new Error(`merges of ${id} form a cycle`);
    seen.add(current);
    current = next;
  }
  return current;
}
