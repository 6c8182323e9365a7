import type { Instant } from "../square/types.js";

/** One edge of the merge graph, with the known times of the merge. */
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
  /** The highest version of a recovery. NULL when no recovery has one. */
  readonly recovered_version: bigint | null;
  /** The time of the latest recovery. */
  readonly recovered_at: Instant;
  /** The time of the latest recovery without a version. */
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
  /** Edges that would close a cycle. */
  readonly refused: readonly MergeEdge[];
}

/**
 * Computes who was merged into whom from all evidence. The function is pure over the set of edges and recoveries,
 * so the order of their arrival cannot matter.
 *
 * A newer recovery of its source undoes an edge. Versions decide which is newer where both have one, else times. Of
 * several standing edges of one source, short cuts are dropped and then the newest edge holds. In a cycle the newest
 * edge is refused.
 */
export function resolveAliases(
  edges: readonly MergeEdge[],
  recoveries: readonly KnownRecovery[],
): Resolution {
  const recoveryOf = new Map(recoveries.map((recovery) => [recovery.square_customer_id, recovery]));
  // `byAge` is not transitive where versions and times contradict each other. Then a sort depends on its input order.
  // Sorting by id first makes the input order always the same.
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
 * Drops an edge A to C where A to B stands and B was ever merged into C. Square answers a request for A with the
 * last survivor C, so A to C reports the same merge as A to B. Without this, A would stay with C after the merge of
 * B into C is undone. An edge that ended a later version of A reports another merge and is kept.
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

/** Whether merges ever led from one id to the other. Undone merges count. */
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

/** Sorts before every instant: an edge without a time counts as the older one. */
const UNKNOWN = "";

/**
 * Sorts edges from old to new: by the source's version, then by time, then by id, so no two edges are equal. The
 * envelope's time (`announced_at`) decides nothing.
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
