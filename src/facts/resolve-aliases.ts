import type { Instant } from "../square/types.js";

/** One edge of the merge graph, with what is known of when it was drawn. */
export interface MergeEdge {
  readonly from_customer_id: string;
  readonly to_customer_id: string;
  readonly source_version: bigint | null;
  readonly merged_at: Instant | null;
  readonly ended_at: Instant | null;
  readonly announced_at: Instant;
}

export interface KnownRecovery {
  readonly square_customer_id: string;
  /** The highest; NULL when no recovery told one. */
  readonly recovered_version: bigint | null;
  /** The latest. */
  readonly recovered_at: Instant;
  /** The latest of those without a version. */
  readonly unversioned_at: Instant | null;
}

export interface Alias {
  readonly from_customer_id: string;
  /** The last survivor of the chain. */
  readonly to_customer_id: string;
  readonly merged_at: Instant;
}

export interface Resolution {
  readonly aliases: readonly Alias[];
  /** Edges that would have closed a cycle. */
  readonly refused: readonly MergeEdge[];
}

/**
 * Works out who was merged into whom from everything Square said about it. A pure function of the set of edges and
 * recoveries, so the order in which they arrived cannot matter.
 *
 * An edge is undone by a recovery of its source that is newer than it: by version where both tell one, else by time. Of several standing edges of one source the newest holds, but for short cuts. An edge that would
 * close a cycle is refused; of the edges of a cycle that is the newest.
 */
export function resolveAliases(
  edges: readonly MergeEdge[],
  recoveries: readonly KnownRecovery[],
): Resolution {
  const recoveryOf = new Map(recoveries.map((recovery) => [recovery.square_customer_id, recovery]));
  // By id first: where versions and times contradict each other `byAge` knows no order of three, and then what comes
  // out of a sort depends on what went in.
  const standing = edges
    .filter((edge) => !isUndone(edge, recoveryOf.get(edge.from_customer_id)))
    .sort(
      (a, b) =>
        compare(a.from_customer_id, b.from_customer_id) || compare(a.to_customer_id, b.to_customer_id),
    );
  const target = new Map<string, MergeEdge>();
  const refused: MergeEdge[] = [];
  const newestOfSource = new Map<string, MergeEdge>();
  for (const edge of withoutShortCuts(standing, edges).sort(byAge)) {
    newestOfSource.set(edge.from_customer_id, edge);
  }
  for (const edge of [...newestOfSource.values()].sort(byAge)) {
    if (follow(edge.to_customer_id, target) === edge.from_customer_id) refused.push(edge);
    else target.set(edge.from_customer_id, edge);
  }
  const aliases = [...target.values()].map((edge) => ({
    from_customer_id: edge.from_customer_id,
    to_customer_id: follow(edge.to_customer_id, target),
    merged_at: edge.merged_at ?? edge.announced_at,
  }));
  return { aliases, refused };
}

/**
 * Drops A to C where A to B stands and B was ever merged into C: asked for A, Square answers the last survivor, so that
 * edge tells of the same merge of A as the first, and must not outlive the second, should that be undone. It does not
 * where it ended a later version of A.
 */
function withoutShortCuts(standing: readonly MergeEdge[], edges: readonly MergeEdge[]): MergeEdge[] {
  const [everFrom, standingFrom] = [bySource(edges), bySource(standing)];
  const isShortCut = (edge: MergeEdge, via: MergeEdge) =>
    !(
      edge.source_version !== null &&
      via.source_version !== null &&
      edge.source_version > via.source_version
    ) &&
    everLeads(via.to_customer_id, edge.to_customer_id, everFrom) &&
    !everLeads(edge.to_customer_id, via.to_customer_id, everFrom);
  return standing.filter(
    (edge) => !standingFrom.get(edge.from_customer_id)?.some((via) => isShortCut(edge, via)),
  );
}

function bySource(edges: readonly MergeEdge[]): ReadonlyMap<string, readonly MergeEdge[]> {
  const grouped = new Map<string, MergeEdge[]>();
  for (const edge of edges) {
    const group = grouped.get(edge.from_customer_id);
    if (group) group.push(edge);
    else grouped.set(edge.from_customer_id, [edge]);
  }
  return grouped;
}

/** Whether merges, standing or undone, led from one id to another. */
function everLeads(from: string, to: string, edges: ReadonlyMap<string, readonly MergeEdge[]>): boolean {
  if (from === to) return false;
  const reached = new Set([from]);
  for (const id of reached) for (const edge of edges.get(id) ?? []) reached.add(edge.to_customer_id);
  return reached.has(to);
}

function isUndone(edge: MergeEdge, recovery: KnownRecovery | undefined): boolean {
  if (!recovery) return false;
  const time = edge.merged_at ?? edge.ended_at;
  const { recovered_version, recovered_at, unversioned_at } = recovery;
  if (time !== null && unversioned_at !== null && unversioned_at > time) return true;
  if (edge.source_version !== null)
    return recovered_version !== null && recovered_version > edge.source_version;
  return time !== null && recovered_at > time;
}

/** Before every instant: an edge of which nobody said when counts as the older one. */
const UNKNOWN = "";

/**
 * Oldest first: by the source's version, then by time, then by id so that no two are equal. When an envelope was made
 * (`announced_at`) decides nothing.
 */
function byAge(a: MergeEdge, b: MergeEdge): number {
  if (a.from_customer_id === b.from_customer_id && a.source_version !== null && b.source_version !== null) {
    if (a.source_version !== b.source_version) return a.source_version < b.source_version ? -1 : 1;
  }
  return (
    compare(a.merged_at ?? UNKNOWN, b.merged_at ?? UNKNOWN) ||
    compare(a.from_customer_id, b.from_customer_id) ||
    compare(a.to_customer_id, b.to_customer_id)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function follow(id: string, target: ReadonlyMap<string, MergeEdge>): string {
  let at = id;
  for (let next = target.get(at); next; next = target.get(at)) at = next.to_customer_id;
  return at;
}
