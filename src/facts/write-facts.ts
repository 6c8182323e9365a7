import type pg from "pg";
import { pipelined } from "../database/query.js";
import { RetryTransaction } from "../database/transaction.js";
import type { Fact, Guarded } from "../square/types.js";
import { lockCustomers, lockObjects } from "./locks.js";
import { markFetches, revokeAccess } from "./marks.js";
import { applyMerges, mergeComponent, mergeKey } from "./merges.js";
import { type GuardedKind, type Origin, objectId, writeObjects } from "./mirror.js";
import type { MergeEdge } from "./resolve-aliases.js";

type FactOf<Kind extends Fact["kind"]> = Extract<Fact, { kind: Kind }>["value"];

export interface WrittenFacts {
  /** For each event, in the given order: whether any of its facts was new to us. */
  readonly fresh: readonly boolean[];
  /** How many objects were written. */
  readonly applied: number;
  /** The customers whose analytics row these facts change; all of them are locked. */
  readonly affectedCustomerIds: readonly string[];
  /** Merges that would have closed a cycle of aliases. */
  readonly refusedMerges: readonly MergeEdge[];
}

const guardedKinds: readonly GuardedKind[] = ["payment", "booking", "refund", "customer", "team_member"];

/** The ids of the customers whose locks this transaction holds. */
export type LockedCustomers = ReadonlySet<string>;

/**
 * Locks what the facts of a batch may touch, until the transaction ends: their objects, and the customers they name, own
 * or merge. Needs nothing that was read before, so it may travel with the statement before it.
 */
export async function lockFacts(
  tx: pg.PoolClient,
  organizationId: string,
  facts: readonly Fact[],
): Promise<LockedCustomers> {
  const winners = winnersByKind(facts);
  const seeds = mergedIds(facts);
  const component = seeds.length > 0 ? await mergeComponent(tx, organizationId, seeds) : [];
  const [, locked] = await pipelined(
    tx,
    () => lockObjects(tx, organizationId, objectKeys(winners)),
    () => lockCustomers(tx, organizationId, concerned(winners, component)),
  );
  return locked;
}

/**
 * Writes what a batch of events says, in the caller's transaction: one write per kind of object, whatever the number
 * of events. The outcome is the same as writing the events one after the other.
 *
 * @param locked what `lockFacts` answered in this transaction, for these facts or more
 * @param events the facts of each event, in the order of arrival
 * @param now the instant of computation
 * @param origin copies from Square's API stand above webhooks' copies of the same version
 * @throws {RetryTransaction} when a merge was committed while we waited for a lock
 */
export async function writeFacts(
  tx: pg.PoolClient,
  organizationId: string,
  locked: LockedCustomers,
  events: readonly (readonly Fact[])[],
  now: Date,
  origin: Origin = "webhook",
): Promise<WrittenFacts> {
  const facts = events.flat();
  const winners = winnersByKind(facts);
  const seeds = mergedIds(facts);
  // Nothing concerned can change under us any more, so what is read now holds until the commit.
  const merged = seeds.length > 0 ? await mergeComponent(tx, organizationId, seeds) : [];
  const affected = new Set(merged);
  // Before the objects, so that these land on the survivor at once.
  const evidence = { merges: valuesOf(facts, "merge"), recoveries: valuesOf(facts, "recovery") };
  const { learnt, refused } =
    seeds.length > 0
      ? await applyMerges(tx, organizationId, merged, evidence)
      : { learnt: new Set<string>(), refused: [] };

  const storedKeys = new Map<string, string | null>();
  let applied = 0;
  const writes = guardedKinds.map((kind) => async () => {
    const objects = [...(winners.get(kind)?.values() ?? [])];
    const places = locationIds(valuesOf(facts, kind));
    for (const written of await writeObjects(tx, organizationId, kind, objects, places, origin)) {
      storedKeys.set(`${kind}/${written.id}`, written.stored_key);
      if (!written.applied) continue;
      applied += 1;
      if (written.customer_id !== null) affected.add(written.customer_id);
      if (written.previous_customer_id !== null) affected.add(written.previous_customer_id);
    }
  });
  await pipelined(
    tx,
    ...writes,
    () => markFetches(tx, organizationId, valuesOf(facts, "pending_fetch"), now),
    () => revokeAccess(tx, organizationId, valuesOf(facts, "revocation")),
  );

  for (const customerId of affected) {
    if (!locked.has(customerId)) throw new RetryTransaction("A customer was merged while this batch waited");
  }
  return {
    fresh: freshness(events, storedKeys, learnt),
    applied,
    affectedCustomerIds: [...affected],
    refusedMerges: refused,
  };
}

function valuesOf<Kind extends Fact["kind"]>(facts: readonly Fact[], kind: Kind): FactOf<Kind>[] {
  return facts.filter((fact) => fact.kind === kind).map((fact) => fact.value as FactOf<Kind>);
}

function locationIds(objects: readonly Guarded[]): string[] {
  const ids = objects.flatMap((object) =>
    "location_id" in object && typeof object.location_id === "string" ? object.location_id : [],
  );
  return [...new Set(ids)];
}

function isGuarded(fact: Fact): fact is Extract<Fact, { kind: GuardedKind }> {
  return (guardedKinds as readonly string[]).includes(fact.kind);
}

/** Everybody of whom a merge or its undoing is told. */
function mergedIds(facts: readonly Fact[]): string[] {
  return [
    ...valuesOf(facts, "merge").flatMap((merge) => [merge.from_customer_id, merge.to_customer_id]),
    ...valuesOf(facts, "recovery").map((recovery) => recovery.square_customer_id),
  ];
}

function winnersByKind(facts: readonly Fact[]): Winners {
  return new Map(guardedKinds.map((kind) => [kind, winnersOf(kind, facts)]));
}

/** Of each object's versions in the batch, the one that stands in the end. */
function winnersOf(kind: GuardedKind, facts: readonly Fact[]): Map<string, Guarded> {
  const winners = new Map<string, Guarded>();
  for (const value of valuesOf(facts, kind)) {
    const id = objectId(kind, value);
    const best = winners.get(id);
    if (!best || value.order_key > best.order_key) winners.set(id, value);
  }
  return winners;
}

type Winners = ReadonlyMap<GuardedKind, ReadonlyMap<string, Guarded>>;

function objectKeys(winners: Winners): string[] {
  const keys = [...winners].flatMap(([kind, objects]) =>
    // A customer's own lock guards the profile too.
    kind === "customer" ? [] : [...objects.keys()].map((id) => `${kind}/${id}`),
  );
  // A refund's customer is its payment's: were both written at once, neither would see the other and the row would
  // lack the refund.
  const refunded = winnersOfKind(winners, "refund").flatMap(({ payment_id }) => payment_id ?? []);
  return [...new Set([...keys, ...refunded.map((id) => `payment/${id}`)])];
}

function winnersOfKind<Kind extends GuardedKind>(winners: Winners, kind: Kind): FactOf<Kind>[] {
  return [...((winners.get(kind) as ReadonlyMap<string, FactOf<Kind>> | undefined)?.values() ?? [])];
}

function concerned(winners: Winners, component: readonly string[]) {
  const all = <Kind extends GuardedKind>(kind: Kind) => winnersOfKind(winners, kind);
  const reported = [...all("booking"), ...all("payment")].map((fact) => fact.reported_customer_id);
  const present = (id: string | null): id is string => id !== null;
  return {
    customerIds: [
      ...new Set([
        ...reported.filter(present),
        ...all("customer").map((c) => c.square_customer_id),
        ...component,
      ]),
    ],
    bookingIds: all("booking").map((booking) => booking.booking_id),
    paymentIds: [
      ...all("payment").map((payment) => payment.payment_id),
      ...all("refund")
        .map((refund) => refund.payment_id)
        .filter(present),
    ],
    refundIds: all("refund").map((refund) => refund.refund_id),
  };
}

/**
 * Whether each event was news when it came: the batch is walked in order of arrival, each object starting from the
 * key that was stored.
 */
function freshness(
  events: readonly (readonly Fact[])[],
  storedKeys: ReadonlyMap<string, string | null>,
  learntMerges: ReadonlySet<string>,
): boolean[] {
  const standing = new Map(storedKeys);
  const isNews = (fact: Fact): boolean => {
    if (fact.kind === "merge") return learntMerges.has(mergeKey(fact.value));
    // Comes with the profile that shows it, and is news when that is.
    if (fact.kind === "recovery") return false;
    if (!isGuarded(fact)) return true;
    const object = `${fact.kind}/${objectId(fact.kind, fact.value)}`;
    if (fact.value.order_key <= (standing.get(object) ?? "")) return false;
    standing.set(object, fact.value.order_key);
    return true;
  };
  // Every fact is looked at, since looking moves `standing`.
  return events.map((facts) => facts.map(isNews).includes(true));
}
