import type { Truth } from "../ledger.js";
import type { CustomerJson } from "../objects.js";
import type { Call, Endpoints, Json, Listing } from "./endpoint.js";
import { byTime, idsOf, instantOf, objectAt, strictLimit, within, wordOf } from "./parameters.js";
import { notFoundError } from "./refusal.js";

export const customerEndpoints: Endpoints = {
  "GET /v2/customers": {
    accepts: ["limit", "sort_field", "sort_order"],
    list: ({ listed, given }) => {
      const { limit, sort_field, sort_order } = given;
      return sortedList(listed, () => true, { limit, field: sort_field, order: sort_order });
    },
  },
  "POST /v2/customers/search": { accepts: ["limit", "query"], list: searchCustomers },
  "POST /v2/customers/bulk-retrieve": {
    accepts: ["customer_ids"],
    object: ({ truth, given }) => {
      const responses = idsOf(given.customer_ids, "customer_ids").map((id) => {
        const customer = survivor(truth, id);
        const missing = { errors: [notFoundError(`Customer with ID \`${id}\` not found.`)] };
        return [id, customer ? { customer: shown(customer, truth) } : missing] as const;
      });
      return { responses: Object.fromEntries(responses) };
    },
  },
};

/** A search omits profiles without personal data, such as most instant profiles. */
function searchCustomers({ given, listed }: Call): Listing {
  const { start_at, end_at } = objectAt(given, "query.filter.updated_at");
  const updated = [instantOf(start_at, "start_at"), instantOf(end_at, "end_at")] as const;
  const wanted = (one: CustomerJson): boolean =>
    nameOf(one) !== "" && within(Date.parse(one.updated_at ?? ""), ...updated);
  return sortedList(listed, wanted, { limit: given.limit, ...objectAt(given, "query.sort") });
}

/** By name, else by company, e-mail or phone. */
function nameOf({ given_name = "", family_name = "", ...one }: CustomerJson): string {
  return `${given_name}${family_name}` || one.company_name || one.email_address || one.phone_number || "";
}

/** Square's default order is by name. */
function sortedList(truth: Truth, wanted: (one: CustomerJson) => boolean, paging: Json): Listing {
  const limit = strictLimit(paging.limit, 100);
  const field = wordOf(paging.field, "sort_field", ["DEFAULT", "CREATED_AT"]);
  const order = wordOf(paging.order, "sort_order", ["ASC", "DESC"]);
  const sorted = (): readonly CustomerJson[] => {
    const all = [...truth.customers.values()].filter(wanted);
    if (field === "CREATED_AT") return byTime(all, ({ created_at }) => created_at, order);
    const named = all.sort((a, b) => (`${nameOf(a)} ${a.id}` < `${nameOf(b)} ${b.id}` ? -1 : 1));
    return order === "ASC" ? named : named.reverse();
  };
  return { key: "customers", limit, rows: () => sorted().map((one) => shown(one, truth)) };
}

/**
 * The profile that Square answers for an id: the profile itself while it is live, the last survivor after merges,
 * nothing after a deletion. A merge that a recovery undid does not count.
 */
function survivor(truth: Truth, id: string): CustomerJson | undefined {
  const live = truth.customers.get(id);
  if (live) return live;
  const version = truth.deletedCustomers.get(id)?.version;
  // The version distinguishes the deletion by this merge from an earlier or later one.
  const merge = truth.merges.findLast(
    ({ from_customer_id, source_version }) => from_customer_id === id && source_version === version,
  );
  return merge && survivor(truth, merge.to_customer_id);
}

/** The API returns a profile's segments. Webhooks do not carry them. */
function shown(customer: CustomerJson, { merchant }: Truth): object {
  return customer.email_address ? { ...customer, segment_ids: [`${merchant.id}.REACHABLE`] } : customer;
}
