import type pg from "pg";
import { query } from "../database/query.js";
import { mirrorTables, objectKinds, type TableShape } from "./mirror-tables.js";
import { owners } from "./owners.js";
import type { ObjectKind } from "./types.js";

/**
 * Advisory locks that end with the transaction. Every transaction locks objects first, then the organization's
 * settings, then customers, each in sorted order, so these locks cannot deadlock. Two events of one customer wait for
 * each other. Events of different customers do not. Objects have their own locks because two versions of one object
 * may name two customers. Whoever computes rows shares the settings' lock; whoever changes the settings holds it
 * alone.
 */

const lockObjectsStatement = {
  name: "lock_objects",
  text: `
    select pg_advisory_xact_lock(hashtextextended($1 || '/' || object, 0))
    from (select object from unnest($2::text[]) as o (object) order by object collate "C") as sorted`,
};

/** @param objects such as `booking/ID`, in any order */
export async function lockObjects(
  tx: pg.PoolClient,
  organizationId: string,
  objects: readonly string[],
): Promise<void> {
  if (objects.length > 0) await query(tx, lockObjectsStatement, [organizationId, objects]);
}

/** The ids of objects of some kinds. */
export type ObjectIds = Partial<Readonly<Record<ObjectKind, readonly string[]>>>;

const ownedKinds = objectKinds.filter((kind) => owners[mirrorTables[kind].owner.by].stored !== null);

function storedOwners(kind: ObjectKind, index: number): string {
  const shape: TableShape = mirrorTables[kind];
  return `
      union
      select ${owners[shape.owner.by].stored?.(shape)}
      from unnest($${index + 3}::text[]) as o${index} (id)`;
}

/** The lock of what is the same for all customers of the organization, as SQL. */
const settingsLock = "hashtextextended($1::uuid::text || '/settings', 0)";

// The shared lock is taken before any customer's: the sort below needs all names first.
const lockCustomersStatement = {
  name: "lock_customers",
  text: `
    with named as (
      select unnest($2::text[]) as customer_id
      where (select pg_advisory_xact_lock_shared(${settingsLock})) is not null${ownedKinds.map(storedOwners).join("")}
    ),
    targets as (
      select customer_id from named
      union
      select (select to_customer_id from customer_aliases
        where organization_id = $1 and from_customer_id = named.customer_id)
      from named
    )
    select customer_id, pg_advisory_xact_lock(hashtextextended($1::text || '/customer/' || customer_id, 0))
    from (
      select customer_id from targets where customer_id is not null order by customer_id collate "C"
    ) as sorted`,
};

const lockSettingsStatement = {
  name: "lock_settings",
  text: `select pg_advisory_xact_lock(${settingsLock})`,
};

/**
 * Keeps everybody from computing rows of the organization until the transaction ends, and waits for those who compute
 * now. So no row that was computed with the old settings is stored after the change.
 */
export async function lockSettings(tx: pg.PoolClient, organizationId: string): Promise<void> {
  await query(tx, lockSettingsStatement, [organizationId]);
}

/**
 * Locks these customers, the customers who own these stored objects, and the survivors of all of them. The
 * organization's settings stay as they are until the transaction ends.
 *
 * @returns the locked ids. Another transaction may commit a merge while this one waits. Then later reads name
 *   customers that are not locked, and the caller starts over (RetryTransaction).
 */
export async function lockCustomers(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
  objectIds: ObjectIds = {},
): Promise<Set<string>> {
  const { rows } = await query<{ customer_id: string }>(tx, lockCustomersStatement, [
    organizationId,
    customerIds,
    ...ownedKinds.map((kind) => objectIds[kind] ?? []),
  ]);
  return new Set(rows.map((row) => row.customer_id));
}
