import type pg from "pg";
import { query, type Statement } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import type { DayChange } from "./day-marks.js";
import { forEachKind, mirrorTables, recordsetOf, type TableShape } from "./mirror-tables.js";
import { type BestCopies, standingCopy, withCopy } from "./order-key.js";
import type { MirroredObjects, ObjectKind } from "./types.js";

/**
 * Writes profiles that have copies without a version. Such a row holds two copies. The standing copy is in the
 * columns. The best copy of the other kind is in `other_copy` and may stand later.
 */

export type Origin = "webhook" | "api";

/** The result of writing one object. */
export interface Written extends Partial<DayChange> {
  readonly id: string;
  /** Order keys of the copies known before the write. */
  readonly known: BestCopies;
  readonly applied: boolean;
  /** The survivor who owns the object now. */
  readonly customer_id: string | null;
  /** The survivor who owned it before. */
  readonly previous_customer_id: string | null;
}

function statementsOf({ table, key, columns }: TableShape): { known: Statement; settle: Statement } {
  const names = [...Object.keys(columns), "order_key"];
  const of = (copy: string) => names.map((name) => `${copy}.${name}`).join(", ");
  return {
    // Index: primary key. A bytea in jsonb is the text \x followed by hexadecimal digits.
    known: {
      name: `known_copies_of_${table}`,
      text: `
    select ${key} as id, encode(order_key, 'hex') as standing, substring(other_copy ->> 'order_key' from 3) as other
    from ${table} where organization_id = $1 and ${key} = any ($2)`,
    },
    // Puts each copy into its place. A copy comes from the batch, the columns or other_copy. Index: primary key.
    settle: {
      name: `settle_copies_of_${table}`,
      text: `
    with place as (
      select id, decode(standing, 'hex') as standing, decode(other, 'hex') as other
      from jsonb_to_recordset($3::jsonb) as p (id text, standing text, other text)
    ),
    copy as (
      select ${of("i")}, true as is_new
      from (
        select *, decode(order_key_hex, 'hex') as order_key
        from jsonb_to_recordset($2::jsonb) as i (${recordsetOf({ ...columns, order_key_hex: "text" })})
      ) as i
      union all
      select ${of("s")}, false from ${table} s where s.organization_id = $1 and s.${key} in (select id from place)
      union all
      select ${of("o")}, false
      from ${table} s cross join lateral jsonb_populate_record(null::${table}, s.other_copy) as o
      where s.organization_id = $1 and s.${key} in (select id from place) and s.other_copy is not null
    ),
    settled as (
      select distinct on (c.${key}) ${of("c")}, (
          select to_jsonb(o) - 'is_new' from copy o where o.${key} = p.id and o.order_key = p.other
          order by o.is_new desc limit 1
        ) as other_copy
      from place p join copy c on c.${key} = p.id and c.order_key = p.standing
      order by c.${key}, c.is_new desc
    )
    insert into ${table} as known (organization_id, ${names.join(", ")}, other_copy)
    select $1, ${names.join(", ")}, other_copy from settled
    on conflict (organization_id, ${key}) do update set
      ${names.map((name) => `${name} = excluded.${name}`).join(", ")}, other_copy = excluded.other_copy, not_found_since = null
    where (${of("known")}, known.other_copy, known.not_found_since)
      is distinct from (${of("excluded")}, excluded.other_copy, null)
    returning ${key} as id`,
    },
  };
}

const statements = forEachKind((shape) => (shape.mayLackVersion ? statementsOf(shape) : null));

interface KnownCopies {
  readonly id: string;
  readonly standing: string;
  readonly other: string | null;
}

/** Writes copies of objects that have a copy without a version. The caller holds the customers' locks. */
export async function settleCopies<Kind extends ObjectKind>(
  tx: pg.PoolClient,
  organizationId: string,
  kind: Kind,
  copies: readonly MirroredObjects[Kind][],
): Promise<Written[]> {
  const statement = statements[kind];
  if (statement === null || copies.length === 0) return [];
  const { id: idOf } = mirrorTables[kind];
  const ids = [...new Set(copies.map(idOf))];
  const { rows } = await query<KnownCopies>(tx, statement.known, [organizationId, ids]);
  const known = new Map(rows.map(({ id, standing, other }) => [id, bestOf({}, [standing, other ?? ""])]));
  const places = ids.map((id) => {
    const keys = copies.filter((copy) => idOf(copy) === id).map((copy) => copy.order_key);
    const best = bestOf(known.get(id) ?? {}, keys);
    const standing = standingCopy(best);
    const other = standing === best.versioned ? best.unversioned : best.versioned;
    return { id, standing, other: other ?? null };
  });
  const values = copies.map(({ order_key, ...fields }) => ({ ...fields, order_key_hex: order_key }));
  const settled = await query<{ id: string }>(tx, statement.settle, [
    organizationId,
    writeJson(values),
    writeJson(places),
  ]);
  const applied = new Set(settled.rows.map(({ id }) => id));
  return ids.map((id) => ({
    id,
    known: known.get(id) ?? {},
    applied: applied.has(id),
    customer_id: id,
    previous_customer_id: null,
  }));
}

function bestOf(known: BestCopies, keys: readonly string[]): BestCopies {
  return keys.reduce(withCopy, known);
}
