import type pg from "pg";
import { pipelined } from "../database/query.js";
import { RetryTransaction } from "../database/transaction.js";
import { recordAbsences } from "./absences.js";
import { changesOfMoved, markDays, noteChange } from "./day-marks.js";
import { findErased, withoutErased } from "./erasures.js";
import { markFetches, revokeAccess } from "./fetches-and-access.js";
import { lockCustomers, lockObjects } from "./locks.js";
import { applyMerges, mergeComponent, mergeKey } from "./merges.js";
import { mirrorTables, type Owner, objectKinds } from "./mirror-tables.js";
import { type BestCopies, hasVersion, standingCopy, withCopy } from "./order-key.js";
import type { MergeEdge } from "./resolve-aliases.js";
import type { Origin } from "./settle-copies.js";
import type { Fact, FactOf, Facts, MirroredObjects, ObjectKind } from "./types.js";
import { writeObjects } from "./write-objects.js";

export interface WrittenFacts {
  /** For each event, in input order: whether any of its facts was new. */
  readonly fresh: readonly boolean[];
  /** The number of objects written. */
  readonly applied: number;
  /** The customers whose analytics row these facts may change. All of them are locked. */
  readonly affectedCustomerIds: readonly string[];
  /** The number of profiles deleted because Square does not find them. */
  readonly inferredDeletions: number;
  /** Merges that would close a cycle of aliases. */
  readonly refusedMerges: readonly MergeEdge[];
  /** For each event, the customers whom its facts affect. */
  readonly affectedBy: readonly (readonly string[])[];
}

/** What `lockFacts` found. */
export interface LockedFacts {
  /** The ids of the customers whose locks this transaction holds. */
  readonly customers: ReadonlySet<string>;
  /** The erased among the customers of the facts. */
  readonly erased: ReadonlySet<string>;
}

/**
 * Locks all objects and customers that the facts of a batch may change, until the transaction ends. It uses no
 * answer of an earlier statement, so it may be pipelined with the statement before it.
 */
export async function lockFacts(
  tx: pg.PoolClient,
  organizationId: string,
  facts: readonly Fact[],
): Promise<LockedFacts> {
  const targets = objectKinds.map((kind) => lockTargetsOf(kind, facts));
  const seeds = mergedIds(facts);
  const component = seeds.length > 0 ? await mergeComponent(tx, organizationId, seeds) : [];
  const payments = targets.flatMap(({ paymentIds }) => paymentIds);
  const objectKeys = targets.flatMap(({ objectKeys }) => objectKeys);
  const absent = valuesOf(facts, "absence").map((absence) => absence.square_customer_id);
  const customerIds = [...component, ...absent, ...targets.flatMap(({ customerIds }) => customerIds)];
  const objectIds = Object.fromEntries(targets.map(({ kind, ids }) => [kind, ids]));
  objectIds.payment = [...(objectIds.payment ?? []), ...payments];
  const ids = [...new Set(customerIds)];
  const [, customers, erased] = await pipelined(
    () => lockObjects(tx, organizationId, [...new Set(objectKeys)]),
    () => lockCustomers(tx, organizationId, ids, objectIds),
    () => findErased(tx, organizationId, ids, payments),
  );
  return { customers, erased };
}

/**
 * Writes the facts of a batch of events in the caller's transaction, with one statement for each kind of object. The
 * result is the same as writing the events one after the other.
 *
 * @param locked the answer of `lockFacts` in this transaction, for these facts or a superset
 * @param arrived the facts of each event, in the order of arrival
 * @param now the instant of computation
 * @param origin a copy from Square's API wins over a webhook's copy of the same version
 * @throws {RetryTransaction} another transaction committed a merge while this one waited for a lock
 */
export async function writeFacts(
  tx: pg.PoolClient,
  organizationId: string,
  locked: LockedFacts,
  arrived: readonly (readonly Fact[])[],
  now: Date,
  origin: Origin = "webhook",
): Promise<WrittenFacts> {
  const events = withoutErased(arrived, locked.erased);
  const facts = events.flat();
  const seeds = mergedIds(facts);
  // All merged ids are locked, so this read holds until the commit.
  const merged = seeds.length > 0 ? await mergeComponent(tx, organizationId, seeds) : [];
  const affected = new Set(merged);
  // Merges come before objects, so that the objects are written to the survivor.
  const evidence = { merges: valuesOf(facts, "merge"), recoveries: valuesOf(facts, "recovery") };
  const {
    changed: changedMerges,
    refused,
    moved,
  } = seeds.length > 0
    ? await applyMerges(tx, organizationId, merged, evidence)
    : { changed: new Set<string>(), refused: [], moved: false };
  const changedDays = changesOfMoved(moved ? merged : []);

  const known = new Map<string, BestCopies>();
  const ownersOf = new Map<string, readonly string[]>();
  const gone: string[] = [];
  let applied = 0;
  const writes = objectKinds.map((kind) => async () => {
    const [objects, locationIds] = [winnersOf(kind, facts), locationIdsOf(kind, facts)];
    for (const written of await writeObjects(tx, organizationId, kind, objects, locationIds, origin)) {
      const key = `${kind}/${written.id}`;
      known.set(key, written.known);
      if (!written.applied) continue;
      applied += 1;
      const customerIds = [written.customer_id, written.previous_customer_id].filter((id) => id !== null);
      ownersOf.set(key, [...(ownersOf.get(key) ?? []), ...customerIds]);
      for (const customerId of customerIds) affected.add(customerId);
      noteChange(changedDays, { ...written, kind, customerIds }, now);
    }
  });
  await pipelined(
    ...writes,
    async () => gone.push(...(await recordAbsences(tx, organizationId, valuesOf(facts, "absence")))),
    () => markFetches(tx, organizationId, valuesOf(facts, "pending_fetch"), now),
    () => revokeAccess(tx, organizationId, valuesOf(facts, "revocation")),
  );

  await markDays(tx, organizationId, changedDays, now);

  for (const customerId of gone) affected.add(customerId);
  for (const customerId of affected) {
    if (!locked.customers.has(customerId))
      throw new RetryTransaction("A customer was merged while this batch waited");
  }
  return {
    fresh: freshness(events, known, changedMerges),
    applied: applied + gone.length,
    inferredDeletions: gone.length,
    affectedCustomerIds: [...affected],
    refusedMerges: refused,
    affectedBy: events.map((event) => [...new Set(event.flatMap((fact) => affectedByFact(fact, ownersOf)))]),
  };
}

function affectedByFact(fact: Fact, ownersOf: ReadonlyMap<string, readonly string[]>): readonly string[] {
  switch (fact.kind) {
    case "merge":
      return [fact.value.from_customer_id, fact.value.to_customer_id];
    case "recovery":
    case "absence":
      return [fact.value.square_customer_id];
    case "pending_fetch":
    case "revocation":
      return [];
    default:
      return ownersOf.get(objectKey(fact)) ?? [];
  }
}

function valuesOf<Kind extends keyof Facts>(facts: readonly Fact[], kind: Kind): Facts[Kind][] {
  return facts.flatMap((fact) => (fact.kind === kind ? [fact.value as Facts[Kind]] : []));
}

/** The ids of all customers that a merge or a recovery names. */
function mergedIds(facts: readonly Fact[]): string[] {
  return [
    ...valuesOf(facts, "merge").flatMap((merge) => [merge.from_customer_id, merge.to_customer_id]),
    ...valuesOf(facts, "recovery").map((recovery) => recovery.square_customer_id),
  ];
}

/** The best copy of each object in the batch. An object has two if some copies have a version and some have none. */
function winnersOf<Kind extends ObjectKind>(kind: Kind, facts: readonly Fact[]): MirroredObjects[Kind][] {
  const { id } = mirrorTables[kind];
  const winners = new Map<string, MirroredObjects[Kind]>();
  for (const value of valuesOf(facts, kind)) {
    const name = `${hasVersion(value.order_key)}/${id(value)}`;
    const best = winners.get(name);
    if (!best || value.order_key > best.order_key) winners.set(name, value);
  }
  return [...winners.values()];
}

function locationIdsOf<Kind extends ObjectKind>(kind: Kind, facts: readonly Fact[]): string[] {
  const { locationId } = mirrorTables[kind];
  return [...new Set(valuesOf(facts, kind).flatMap((value) => locationId?.(value) ?? []))];
}

/** What must be locked for the objects of one kind. */
interface LockTargets {
  readonly kind: ObjectKind;
  readonly ids: readonly string[];
  readonly objectKeys: readonly string[];
  readonly customerIds: readonly string[];
  readonly paymentIds: readonly string[];
}

function lockTargetsOf<Kind extends ObjectKind>(kind: Kind, facts: readonly Fact[]): LockTargets {
  const objects = winnersOf(kind, facts);
  const ids = [...new Set(objects.map(mirrorTables[kind].id))];
  const owner: Owner<MirroredObjects[Kind]> = mirrorTables[kind].owner;
  const nothing = {
    kind,
    ids,
    objectKeys: ids.map((id) => `${kind}/${id}`),
    customerIds: [],
    paymentIds: [],
  };
  switch (owner.by) {
    case "report":
      return { ...nothing, customerIds: objects.flatMap((object) => owner.customerId(object) ?? []) };
    case "payment": {
      // The customer comes from the payment. Without the payment's lock, two transactions could write both at once,
      // not see each other, and leave this object out of the row.
      const paymentIds = objects.flatMap((object) => owner.paymentId(object) ?? []);
      const objectKeys = [...nothing.objectKeys, ...paymentIds.map((id) => `payment/${id}`)];
      return { ...nothing, objectKeys, paymentIds };
    }
    case "itself":
      // The customer's lock also guards the profile.
      return { ...nothing, objectKeys: [], customerIds: ids };
    case "nobody":
      return nothing;
  }
}

/**
 * Decides for each event whether it was new when it arrived. It replays the batch in order of arrival, starting
 * from the stored copies. A copy that is stored but does not stand is not new.
 */
function freshness(
  events: readonly (readonly Fact[])[],
  known: ReadonlyMap<string, BestCopies>,
  changedMerges: ReadonlySet<string>,
): boolean[] {
  const best = new Map(known);
  const isNews = (fact: Fact): boolean => {
    if (fact.kind === "merge") return changedMerges.has(mergeKey(fact.value));
    // A recovery arrives with its profile. The profile decides.
    if (fact.kind === "recovery") return false;
    if (fact.kind === "pending_fetch" || fact.kind === "revocation" || fact.kind === "absence") return true;
    const object = objectKey(fact);
    const { order_key } = fact.value;
    const before = best.get(object) ?? {};
    const after = withCopy(before, order_key);
    best.set(object, after);
    return after !== before && standingCopy(after) === order_key;
  };
  // No short circuit: `isNews` updates `best` for every fact.
  return events.map((facts) => facts.map(isNews).includes(true));
}

function objectKey<Kind extends ObjectKind>({ kind, value }: FactOf<Kind>): string {
  return `${kind}/${mirrorTables[kind].id(value)}`;
}
