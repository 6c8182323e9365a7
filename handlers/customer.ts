import { orderKey } from "../src/facts/order-key.js";
import { type Customer, type Fact, type Merge, noProfile, type Recovery } from "../src/facts/types.js";
import type { SquareEvent } from "../src/square/envelope.js";
import { parseCustomer, parseDeletedCustomer, parseEventContext } from "../src/square/schemas/customer.js";
import { toMicroseconds, toNanoseconds } from "../src/square/timestamp.js";
import type { ExactInstant, Instant, JsonObject, JsonValue } from "../src/square/types.js";
import { type Handler, TIME_UNKNOWN } from "./handler.js";

/**
 * Profiles, deletions and merges.
 *
 * A merge of A and B into C arrives as `customer.created` of C, `customer.deleted` of A and `customer.deleted` of
 * B. All three have the same `event_context.merge`. They arrive in any order, and any of them may be lost. So the
 * facts of each event contain everything that this event says about the merge.
 */
export const customer: Handler = {
  eventTypes: ["customer.created", "customer.updated", "customer.deleted"],
  interpret: (event) => (event.type === "customer.deleted" ? interpretDeleted(event) : interpretLive(event)),
};

/**
 * @param object a profile in wire shape, from a webhook or the API
 * @throws {InvalidPayload}
 */
export function factsOfProfile(object: unknown): Fact[] {
  return factsOfLive(profileOf(object));
}

/**
 * The facts of a live profile. A profile that was recovered from a merge is also a recovery.
 *
 * @param saidAt the time of the statement, for a profile without a time of its own
 */
export function factsOfLive(profile: Customer, saidAt: Instant = TIME_UNKNOWN): Fact[] {
  const facts: Fact[] = [{ kind: "customer", value: profile }];
  if (profile.creation_source === "UNMERGE_RECOVERY") {
    facts.push({ kind: "recovery", value: recoveryOf(profile, saidAt) });
  }
  return facts;
}

/** The profile fact of a live profile. @throws {InvalidPayload} */
export function profileOf(object: unknown): Customer {
  const customer = parseCustomer(object);
  const version = customer.version ?? null;
  return {
    square_customer_id: customer.id,
    version,
    given_name: customer.given_name,
    family_name: customer.family_name,
    company_name: customer.company_name,
    email_address: customer.email_address,
    phone_number: customer.phone_number,
    birthday: customer.birthday,
    creation_source: customer.creation_source,
    created_at: customer.created_at,
    updated_at: customer.updated_at && toMicroseconds(customer.updated_at),
    deleted_at: null,
    order_key: orderKey({ version, updatedAt: customer.updated_at, object: object as JsonObject }),
  };
}

/** @param saidAt the time of the statement, for a profile without a time of its own */
export function recoveryOf(profile: Customer, saidAt: Instant): Recovery {
  return {
    square_customer_id: profile.square_customer_id,
    recovered_version: profile.version,
    recovered_at: profile.updated_at ?? profile.created_at ?? saidAt,
  };
}

/**
 * The fact of a deleted profile.
 *
 * @param version the profile's version at its deletion. Null when it is unknown: then the time orders the deletion.
 * @param deletedAt part of the order key, so two deletions of one version give the same result in either order
 * @param object the profile in the event, or null
 */
export function tombstone(
  id: string,
  version: bigint | null,
  deletedAt: ExactInstant,
  object: JsonValue = null,
): Customer {
  return {
    square_customer_id: id,
    version,
    ...noProfile,
    creation_source: null,
    created_at: null,
    updated_at: null,
    deleted_at: toMicroseconds(deletedAt),
    order_key: orderKey({ version, deleted: true, updatedAt: deletedAt, object }),
  };
}

function interpretLive({ type, data, created_at }: SquareEvent): Fact[] {
  const profile = profileOf(data.object?.customer);
  const context = parseEventContext(data.object?.event_context);
  const announced_at = created_at ?? profile.updated_at ?? profile.created_at ?? TIME_UNKNOWN;
  // A created survivor was created by the merge. An updated survivor may be older than the merge.
  const wasMade =
    type === "customer.created" && profile.square_customer_id === context?.merge?.to_customer_id;
  const merges = mergesOf(context, () => ({
    source_version: null,
    merged_at: wasMade ? profile.created_at : null,
    ended_at: null,
    announced_at,
  }));
  return [...factsOfLive(profile, created_at ?? TIME_UNKNOWN), ...merges];
}

function interpretDeleted({ data, created_at }: SquareEvent): Fact[] {
  const object = data.object?.customer ?? null;
  // `data.id` can be wrong. It is used only if the event carries no object.
  const deleted = parseDeletedCustomer(object ?? { id: data.id });
  const version = deleted.version ?? null;
  const deletedAt = deleted.updated_at ?? toNanoseconds(created_at ?? TIME_UNKNOWN);
  const merges = mergesOf(parseEventContext(data.object?.event_context), (sourceId) => ({
    source_version: sourceId === deleted.id ? version : null,
    merged_at: null,
    ended_at: sourceId === deleted.id ? toMicroseconds(deletedAt) : null,
    announced_at: created_at ?? toMicroseconds(deletedAt),
  }));
  return [{ kind: "customer", value: tombstone(deleted.id, version, deletedAt, object) }, ...merges];
}

/** One merge for each source. A survivor among its own sources is skipped. */
function mergesOf(
  context: ReturnType<typeof parseEventContext>,
  evidenceOf: (sourceId: string) => Omit<Merge, "from_customer_id" | "to_customer_id">,
): Fact[] {
  if (!context?.merge) return [];
  const { from_customer_ids, to_customer_id } = context.merge;
  return [...new Set(from_customer_ids)]
    .filter((from_customer_id) => from_customer_id !== to_customer_id)
    .map((from_customer_id) => ({
      kind: "merge",
      value: { from_customer_id, to_customer_id, ...evidenceOf(from_customer_id) },
    }));
}
