import type pg from "pg";
import { query, type Statement } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import { type DayChange, dayChangeColumns, storedDayColumns } from "./day-marks.js";
import { forEachKind, mirrorTables, recordsetOf, type TableShape } from "./mirror-tables.js";
import { HASH_BYTES, hasVersion } from "./order-key.js";
import { owners } from "./owners.js";
import { type Origin, settleCopies, type Written } from "./settle-copies.js";
import type { MirroredObjects, ObjectKind } from "./types.js";

/**
 * Writes the mirror tables. One statement for each table writes an array of objects. The guard is one comparison: a
 * copy is stored if its order key is greater than the stored one's.
 *
 * A copy from Square's API is also stored if it has the stored version and different content. Then the API is
 * right: a webhook may have said something else, or somebody may have changed the row by hand. Equal content is not
 * written.
 */

/**
 * Inserts unknown locations. Their name is the id and their time zone is the organization's until they are fetched.
 */
const placeholders = `
    placeholder as (
      insert into locations (organization_id, square_location_id, name, time_zone, currency, status, is_placeholder)
      select distinct $1::uuid, location_id, location_id, o.time_zone, o.currency, 'UNKNOWN', true
      from unnest($4::text[]) as met (location_id) cross join organizations o
      where o.id = $1 and location_id is not null and not exists (
        select from locations l where l.organization_id = $1 and l.square_location_id = location_id
      )
      order by location_id
      on conflict do nothing
    ),`;

/** Replaces the parts of each written object. */
function replaceParts({ key, parts }: TableShape): string {
  if (!parts) return "";
  const { table, field, position, columns } = parts;
  const names = Object.keys(columns);
  return `
    incoming_part as (
      select w.${key}, p.*
      from written w
      join incoming using (${key})
      cross join jsonb_to_recordset(incoming.${field}) as p (${recordsetOf(columns)})
    ),
    part_written as (
      insert into ${table} (organization_id, ${key}, ${names.join(", ")})
      select $1, ${key}, ${names.join(", ")} from incoming_part
      on conflict (organization_id, ${key}, ${position}) do update set
        ${setExcluded(names.filter((name) => name !== position))}
    ),
    part_deleted as (
      delete from ${table} where ctid = any (array(
        select p.ctid
        from written
        join incoming i using (${key})
        cross join lateral (
          select ctid from ${table}
          where organization_id = $1 and ${key} = written.${key}
            and ${position} >= jsonb_array_length(i.${field}) offset 0
        ) as p
      ))
    ),`;
}

/** The stored parts, in the shape of the incoming object's field. */
function storedParts(key: string, { table, position, columns }: NonNullable<TableShape["parts"]>): string {
  const fields = Object.keys(columns).map((name) => `'${name}', ${name}`);
  return `coalesce((
          select jsonb_agg(jsonb_build_object(${fields.join(", ")}) order by ${position})
          from ${table} where organization_id = $1 and ${key} = i.${key}
        ), '[]')`;
}

/** The assignments of an update. A written copy of a profile also clears `not_found_since`. */
function setAll(shape: TableShape, columns: readonly string[]): string {
  const set = setExcluded(columns.filter((name) => name !== shape.key));
  return shape.mayLackVersion ? `${set}, not_found_since = null` : set;
}

/** Whether all known copies of the stored object have a version. Then the order key alone decides. */
const allCopiesHaveVersion = (stored: string) =>
  `(${stored}.other_copy is null and get_byte(${stored}.order_key, 0) > 0)`;

function setExcluded(columns: readonly string[]): string {
  return columns.map((name) => `${name} = excluded.${name}`).join(", ");
}

/** The copies from Square's API that are stored. */
function apiCopies(shape: TableShape, stored: readonly string[]): string {
  const { table, key, parts, mayLackVersion } = shape;
  const compared = stored.filter((name) => name !== key && name !== "order_key");
  const precedence = (copy: string) =>
    `substring(${copy}.order_key for length(${copy}.order_key) - ${HASH_BYTES})`;
  const ours = [...compared.map((name) => `s.${name}`), ...(parts ? [storedParts(key, parts)] : [])];
  const theirs = [...compared.map((name) => `i.${name}`), ...(parts ? [`i.${parts.field}`] : [])];
  if (mayLackVersion) {
    theirs.push("null");
    ours.push("s.not_found_since");
  }
  return `(
        select i.* from incoming i
        left join lateral (select * from ${table} where organization_id = $1 and ${key} = i.${key} offset 0) as s on true
        where s.${key} is null or (${mayLackVersion ? `${allCopiesHaveVersion("s")} and ` : ""}(
          ${precedence("i")} > ${precedence("s")}
          or (${precedence("i")} = ${precedence("s")} and (${theirs.join(", ")}) is distinct from (${ours.join(", ")}))))
      ) as candidate`;
}

function writeStatement(shape: TableShape, origin: Origin): Statement {
  const { table, key, columns, owner, locationId, parts, mayLackVersion } = shape;
  const names = Object.keys(columns);
  const stored = [...names, ...(owner.by === "report" ? ["customer_id"] : []), "order_key"];
  const fields = recordsetOf({ ...columns, ...(parts && { [parts.field]: "jsonb" }), order_key_hex: "text" });
  const { now, before } = owners[owner.by];
  return {
    name: `write_${table}_from_${origin}`,
    text: `
    with incoming as (
      select i.*, decode(i.order_key_hex, 'hex') as order_key, ${now} as customer_id
      from jsonb_to_recordset($2::jsonb) as i (${fields})
    ),
    stored as (
      select s.${key}, s.order_key, ${before} as previous_customer_id${mayLackVersion ? `, not ${allCopiesHaveVersion("s")} as mixed` : ""}${storedDayColumns(shape)}
      from unnest($3::text[]) as ids (id)
      cross join lateral (select * from ${table} where organization_id = $1 and ${key} = ids.id offset 0) as s
    ),${locationId ? placeholders : ""}
    written as (
      insert into ${table} as mirrored (organization_id, ${stored.join(", ")})
      select $1, ${stored.join(", ")} from ${origin === "api" ? apiCopies(shape, stored) : "incoming"}
      on conflict (organization_id, ${key}) do update set
        ${setAll(shape, stored)}
      ${origin === "api" ? "" : `where excluded.order_key > mirrored.order_key${mayLackVersion ? ` and ${allCopiesHaveVersion("mirrored")}` : ""}`}
      returning ${key}
    ),${replaceParts(shape)}
    answer as (
      select ${key} as id, encode(stored.order_key, 'hex') as stored_key, written.${key} is not null as applied,
        incoming.customer_id, stored.previous_customer_id, ${mayLackVersion ? "coalesce(stored.mixed, false)" : "false"} as mixed${dayChangeColumns(shape)}
      from incoming
      left join stored using (${key})
      left join written using (${key})
    )
    select * from answer`,
  };
}

const statements = forEachKind((shape) => ({
  webhook: writeStatement(shape, "webhook"),
  api: writeStatement(shape, "api"),
}));

interface Answer extends Partial<DayChange> {
  readonly id: string;
  readonly stored_key: string | null;
  readonly applied: boolean;
  readonly customer_id: string | null;
  readonly previous_customer_id: string | null;
  /** Nothing was written, because copies without a version are known. `settleCopies` must write the object. */
  readonly mixed: boolean;
}

/**
 * Writes the objects of one kind that the guard lets through. The caller holds the objects' locks
 * (src/facts/locks.ts), so the copy read as `stored` is the copy that is replaced.
 *
 * @param objects each id at most once, or once with and once without a version
 * @param locationIds the locations of all incoming copies, also of those that do not stand. So the known locations
 *   do not depend on the order of arrival.
 */
export async function writeObjects<Kind extends ObjectKind>(
  tx: pg.PoolClient,
  organizationId: string,
  kind: Kind,
  objects: readonly MirroredObjects[Kind][],
  locationIds: readonly string[],
  origin: Origin,
): Promise<Written[]> {
  if (objects.length === 0) return [];
  const { id, locationId, mayLackVersion } = mirrorTables[kind];
  const unversioned = new Set(objects.filter(({ order_key }) => !hasVersion(order_key)).map(id));
  const plain = objects.filter((object) => !unversioned.has(id(object)));
  const { rows: answers } = await query<Answer>(tx, statements[kind][origin], [
    organizationId,
    writeJson(plain.map(({ order_key, ...columns }) => ({ ...columns, order_key_hex: order_key }))),
    plain.map(id),
    ...(locationId ? [locationIds] : []),
  ]);
  const written = answers
    .filter(({ mixed }) => !mixed)
    .map(({ stored_key, ...answer }) => ({
      ...answer,
      known: stored_key === null ? {} : { versioned: stored_key },
    }));
  if (!mayLackVersion) return written;
  for (const { id, mixed } of answers) if (mixed) unversioned.add(id);
  const mixed = objects.filter((object) => unversioned.has(id(object)));
  return [...written, ...(await settleCopies(tx, organizationId, kind, mixed))];
}
