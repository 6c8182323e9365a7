import type pg from "pg";
import { query } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import { mirrorTables, objectKinds } from "./mirror-tables.js";
import { survivorOf } from "./owners.js";
import { type KnownRecovery, type MergeEdge, resolveAliases } from "./resolve-aliases.js";
import type { Merge, Recovery } from "./types.js";

/**
 * Merges and unmerges. Square's statements are kept as evidence in customer_merges and customer_recoveries. New
 * evidence about some ids recomputes their aliases from all evidence. Then the facts move to the survivors.
 */

// All ids reachable over merge edges in either direction. Indexes: primary key and customer_merges_to_idx.
const componentStatement = {
  name: "merge_component",
  text: `
    with recursive component (customer_id) as (
      select unnest($2::text[])
      union
      select case when m.from_customer_id = c.customer_id then m.to_customer_id else m.from_customer_id end
      from component c
      join customer_merges m on m.organization_id = $1
        and (m.from_customer_id = c.customer_id or m.to_customer_id = c.customer_id)
    )
    select customer_id from component`,
};

/** The given ids and every id that was ever merged with one of them, directly or through others. */
export async function mergeComponent(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
): Promise<string[]> {
  const { rows } = await query<{ customer_id: string }>(tx, componentStatement, [
    organizationId,
    customerIds,
  ]);
  return rows.map((row) => row.customer_id);
}

// Each of the two events of a merge carries a part of the edge. The second one completes it. Index: primary key.
const recordMergesStatement = {
  name: "record_merges",
  text: `
    insert into customer_merges as known
      (organization_id, from_customer_id, to_customer_id, source_version, merged_at, ended_at, announced_at)
    select $1, from_customer_id, to_customer_id, max(source_version), min(merged_at), min(ended_at), min(announced_at)
    from jsonb_to_recordset($2::jsonb) as m (
      from_customer_id text, to_customer_id text, source_version bigint, merged_at timestamptz,
      ended_at timestamptz, announced_at timestamptz
    )
    group by from_customer_id, to_customer_id
    order by from_customer_id, to_customer_id
    on conflict (organization_id, from_customer_id, to_customer_id) do update set
      source_version = greatest(known.source_version, excluded.source_version),
      merged_at = least(known.merged_at, excluded.merged_at),
      ended_at = least(known.ended_at, excluded.ended_at),
      announced_at = least(known.announced_at, excluded.announced_at)
    where (known.source_version, known.merged_at, known.ended_at, known.announced_at) is distinct from (
      greatest(known.source_version, excluded.source_version), least(known.merged_at, excluded.merged_at),
      least(known.ended_at, excluded.ended_at), least(known.announced_at, excluded.announced_at)
    )
    returning from_customer_id, to_customer_id`,
};

const recordRecoveriesStatement = {
  name: "record_recoveries",
  text: `
    insert into customer_recoveries as known (organization_id, square_customer_id, recovered_version, recovered_at, unversioned_at)
    select $1, square_customer_id, max(recovered_version), max(recovered_at),
      max(recovered_at) filter (where recovered_version is null)
    from jsonb_to_recordset($2::jsonb) as r (
      square_customer_id text, recovered_version bigint, recovered_at timestamptz
    )
    group by square_customer_id
    order by square_customer_id
    on conflict (organization_id, square_customer_id) do update set
      recovered_version = greatest(known.recovered_version, excluded.recovered_version),
      recovered_at = greatest(known.recovered_at, excluded.recovered_at),
      unversioned_at = greatest(known.unversioned_at, excluded.unversioned_at)`,
};

const instantText = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ${column}`;

const edgesStatement = {
  name: "merge_edges",
  text: `
    select from_customer_id, to_customer_id, source_version, ${instantText("merged_at")}, ${instantText("ended_at")},
      ${instantText("announced_at")}
    from customer_merges where organization_id = $1 and from_customer_id = any ($2)`,
};

const recoveriesStatement = {
  name: "customer_recoveries",
  text: `
    select square_customer_id, recovered_version, ${instantText("recovered_at")}, ${instantText("unversioned_at")}
    from customer_recoveries where organization_id = $1 and square_customer_id = any ($2)`,
};

/** Makes customer_aliases equal to the resolution, for every id of the component. */
const writeAliasesStatement = {
  name: "write_aliases",
  text: `
    with resolved as (
      select * from jsonb_to_recordset($3::jsonb) as r (
        from_customer_id text, to_customer_id text, merged_at timestamptz
      )
    ),
    undone as (
      delete from customer_aliases
      where organization_id = $1 and from_customer_id = any ($2)
        and from_customer_id not in (select from_customer_id from resolved)
    )
    insert into customer_aliases as known (organization_id, from_customer_id, to_customer_id, merged_at)
    select $1, from_customer_id, to_customer_id, merged_at from resolved
    on conflict (organization_id, from_customer_id) do update set
      to_customer_id = excluded.to_customer_id, merged_at = excluded.merged_at
    where (known.to_customer_id, known.merged_at) is distinct from (excluded.to_customer_id, excluded.merged_at)`,
};

/** Facts of the component are stored under one of its ids, so the customer index finds every fact that may move. */
const followAliasesStatements = objectKinds
  .filter((kind) => mirrorTables[kind].owner.by === "report")
  .map((kind) => mirrorTables[kind].table)
  .map((table) => ({
    name: `follow_aliases_${table}`,
    text: `
    update ${table} fact set customer_id = ${survivorOf("fact")}
    where ctid = any (array(
      select f.ctid
      from unnest($2::text[]) as ids (id)
      cross join lateral (
        select ctid, customer_id, reported_customer_id from ${table}
        where organization_id = $1 and customer_id = ids.id offset 0
      ) as f
      where f.customer_id is distinct from ${survivorOf("f")}
    ))`,
  }));

/** Identifies a merge within its organization. */
export function mergeKey(merge: { from_customer_id: string; to_customer_id: string }): string {
  return JSON.stringify([merge.from_customer_id, merge.to_customer_id]);
}

/**
 * Records evidence, recomputes the aliases and moves the facts. The caller holds the locks of all of `component`.
 *
 * @returns `changed`: the keys of the merges that this evidence added or changed; `refused`: the edges that would
 *   close a cycle; `moved`: whether facts changed their customer
 */
export async function applyMerges(
  tx: pg.PoolClient,
  organizationId: string,
  component: readonly string[],
  evidence: { merges: readonly Merge[]; recoveries: readonly Recovery[] },
): Promise<{ changed: ReadonlySet<string>; refused: readonly MergeEdge[]; moved: boolean }> {
  const changed = await recordMerges(tx, organizationId, evidence.merges);
  if (evidence.recoveries.length > 0) {
    await query(tx, recordRecoveriesStatement, [organizationId, writeJson(evidence.recoveries)]);
  }
  const edges = await query<MergeEdge>(tx, edgesStatement, [organizationId, component]);
  const recoveries = await query<KnownRecovery>(tx, recoveriesStatement, [organizationId, component]);
  const { aliases, refused } = resolveAliases(edges.rows, recoveries.rows);
  await query(tx, writeAliasesStatement, [organizationId, component, writeJson(aliases)]);
  let moved = 0;
  for (const statement of followAliasesStatements)
    moved += (await query(tx, statement, [organizationId, component])).rowCount ?? 0;
  return { changed, refused, moved: moved > 0 };
}

async function recordMerges(
  tx: pg.PoolClient,
  organizationId: string,
  merges: readonly Merge[],
): Promise<ReadonlySet<string>> {
  if (merges.length === 0) return new Set();
  const { rows } = await query<Merge>(tx, recordMergesStatement, [organizationId, writeJson(merges)]);
  return new Set(rows.map(mergeKey));
}
