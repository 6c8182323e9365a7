import type { SquareEvent } from "../src/square/envelope.js";
import {
  type MergeContext,
  parseCustomer,
  parseDeletedCustomer,
  parseMergeContext,
  tombstone,
} from "../src/square/schemas.js";
import type { Customer, Fact, Instant, JsonObject, Merge } from "../src/square/types.js";
import { type Handler, TIME_UNKNOWN } from "./handler.js";

/**
 * Profiles, deletions and merges.
 *
 * A merge of A and B into C arrives as `customer.created` of C and `customer.deleted` of A and of B, each with
 * the same `event_context.merge`, in any order, and any of them may be lost: so each one tells all it knows.
 */
export const customer: Handler = {
  eventTypes: ["customer.created", "customer.updated", "customer.deleted"],
  interpret: (event) => (event.type === "customer.deleted" ? interpretDeleted(event) : interpretLive(event)),
};

/**
 * What a live profile says, from a webhook or the API: itself and, brought back out of a merge, the end of it.
 *
 * @param saidAt when it was said, for a profile that carries no time of its own
 */
export function factsOfProfile(profile: Customer, saidAt: Instant | null): Fact[] {
  const facts: Fact[] = [{ kind: "customer", value: profile }];
  if (profile.creation_source === "UNMERGE_RECOVERY") {
    const value = {
      square_customer_id: profile.square_customer_id,
      recovered_version: profile.version,
      recovered_at: profile.updated_at ?? profile.created_at ?? saidAt ?? TIME_UNKNOWN,
    };
    facts.push({ kind: "recovery", value });
  }
  return facts;
}

function interpretLive({ type, data, created_at }: SquareEvent): Fact[] {
  const profile = parseCustomer(data.object?.customer);
  const context = parseMergeContext(data.object?.event_context);
  const announced_at = created_at ?? profile.updated_at ?? profile.created_at ?? TIME_UNKNOWN;
  // The merge made the survivor; but one that is only updated may have been there long before.
  const wasMade = type === "customer.created" && profile.square_customer_id === context?.to_customer_id;
  const merges = mergesOf(context, () => ({
    source_version: null,
    merged_at: wasMade ? profile.created_at : null,
    announced_at,
  }));
  return [...factsOfProfile(profile, created_at), ...merges];
}

function interpretDeleted({ data, created_at }: SquareEvent): Fact[] {
  const object = (data.object?.customer ?? null) as JsonObject | null;
  // `data.id` can be wrong, but without the object it is all there is.
  const deleted = parseDeletedCustomer(object ?? { id: data.id });
  const deletedAt = deleted.updated_at ?? created_at ?? TIME_UNKNOWN;
  const merges = mergesOf(parseMergeContext(data.object?.event_context), (sourceId) => ({
    source_version: sourceId === deleted.id ? deleted.version : null,
    merged_at: null,
    announced_at: created_at ?? deletedAt,
  }));
  return [{ kind: "customer", value: tombstone(deleted, deletedAt, object) }, ...merges];
}

/** One merge for each source. A survivor listed among its own sources is no merge. */
function mergesOf(
  context: MergeContext | null,
  evidenceOf: (sourceId: string) => Omit<Merge, "from_customer_id" | "to_customer_id">,
): Fact[] {
  if (context === null) return [];
  const { from_customer_ids, to_customer_id } = context;
  return [...new Set(from_customer_ids)]
    .filter((from_customer_id) => from_customer_id !== to_customer_id)
    .map((from_customer_id) => ({
      kind: "merge",
      value: { from_customer_id, to_customer_id, ...evidenceOf(from_customer_id) },
    }));
}
