import type { CustomerJson } from "../objects.js";
import type { Call, Listing } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import type { View } from "./history.js";
import { idsOf, instantOf, objectOf, strictLimit, wordOf } from "./parameters.js";
import { invalidRequest, notFound } from "./refusal.js";
import { byTime, within } from "./rows.js";

export const customerEndpoints: readonly Endpoint[] = [
  {
    name: "GET /v2/customers",
    key: "customers",
    accepts: ["cursor", "limit", "sort_field", "sort_order", "count"],
    answer: ({ listed, query }) => ({
      list: sortedList(() => listed.all("customers"), { ...query, field: query.sort_field }, listed),
    }),
  },
  {
    name: "POST /v2/customers/search",
    key: "customers",
    accepts: ["cursor", "limit", "query", "count"],
    answer: (call) => ({ list: searchCustomers(call) }),
  },
  {
    name: "POST /v2/customers/bulk-retrieve",
    key: "responses",
    accepts: ["customer_ids"],
    answer: ({ present, body }) => {
      const responses = idsOf(body.customer_ids, "customer_ids").map((id) => {
        const customer = survivor(present, id);
        return [id, customer ? { customer: shown(customer, present) } : { errors: [notThere(id)] }] as const;
      });
      return { object: { responses: Object.fromEntries(responses) } };
    },
  },
  {
    name: "GET /v2/customers/{customer_id}",
    key: "customer",
    answer: ({ present, id }) => {
      const customer = survivor(present, id);
      if (!customer) throw notFound(notThere(id).detail);
      return { object: { customer: shown(customer, present) } };
    },
  },
];

/** A search leaves out profiles that nothing is known of, such as most instant profiles. */
function searchCustomers({ body, listed }: Call): Listing {
  const query = objectOf(body.query, "query");
  const filter = objectOf(query.filter, "query.filter");
  const range = (name: string): [number | undefined, number | undefined] => {
    const { start_at, end_at } = objectOf(filter[name], `query.filter.${name}`);
    return [instantOf(start_at, `${name}.start_at`), instantOf(end_at, `${name}.end_at`)];
  };
  const [created, updated] = [range("created_at"), range("updated_at")];
  const wanted = (one: CustomerJson): boolean =>
    isPublic(one) &&
    within(Date.parse(one.created_at ?? ""), ...created) &&
    within(Date.parse(one.updated_at ?? ""), ...updated);
  const sort = objectOf(query.sort, "query.sort");
  const paging = { limit: body.limit, field: sort.field, sort_order: sort.order };
  return sortedList(() => listed.all("customers").filter(wanted), paging, listed);
}

function isPublic({
  given_name,
  family_name,
  company_name,
  email_address,
  phone_number,
}: CustomerJson): boolean {
  return Boolean(given_name || family_name || company_name || email_address || phone_number);
}

function sortedList(
  all: () => readonly CustomerJson[],
  paging: { readonly limit?: unknown; readonly field?: unknown; readonly sort_order?: unknown },
  view: View,
): Listing {
  const limit = strictLimit(paging.limit, 100);
  const field = wordOf(paging.field, "sort_field", ["DEFAULT", "CREATED_AT"]);
  const order = wordOf(paging.sort_order, "sort_order", ["ASC", "DESC"]);
  const sorted = (): readonly CustomerJson[] =>
    field === "CREATED_AT"
      ? byTime(
          all(),
          ({ created_at }) => Date.parse(created_at ?? ""),
          ({ id }) => id,
          order,
        )
      : byName(all(), order);
  return { key: "customers", limit, rows: () => sorted().map((one) => shown(one, view)) };
}

/** Square's default: by name, else by company, e-mail or phone. Such an order says nothing about changes. */
function byName(all: readonly CustomerJson[], order: "ASC" | "DESC"): readonly CustomerJson[] {
  const sign = order === "ASC" ? 1 : -1;
  const keyed = all.map((one) => {
    const name = `${one.given_name ?? ""}${one.family_name ?? ""}`;
    const text = name || one.company_name || one.email_address || one.phone_number || "";
    return { one, key: `${text} ${one.id}` };
  });
  return keyed.sort((a, b) => sign * (a.key < b.key ? -1 : 1)).map(({ one }) => one);
}

/**
 * The profile that an id leads to: its own while it lives, that of the last survivor after merges, nothing after a
 * deletion. A merge ended by a recovery no longer leads anywhere.
 */
function survivor(view: View, id: string): CustomerJson | undefined {
  const live = view.get("customers", id);
  if (live) return live;
  const gone = view.get("deletedCustomers", id);
  // The version tells the deletion by this merge from one before or after it.
  const merge =
    gone &&
    view.truth.merges.findLast(
      ({ from_customer_id, source_version }) => from_customer_id === id && source_version === gone.version,
    );
  return merge && survivor(view, merge.to_customer_id);
}

/** The API tells a profile's segments, which no webhook does. */
function shown(customer: CustomerJson, { truth }: View): CustomerJson & { readonly segment_ids?: string[] } {
  if (!customer.email_address) return customer;
  return { ...customer, segment_ids: [`${truth.merchant.id}.REACHABLE`] };
}

function notThere(id: string) {
  return invalidRequest("NOT_FOUND", `Customer with ID \`${id}\` not found.`);
}
